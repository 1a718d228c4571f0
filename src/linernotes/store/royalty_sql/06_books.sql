-- The books that are to be written: each usage period in each currency.
SELECT CAST(ROW_NUMBER() OVER (ORDER BY usage_period, currency) AS INTEGER) AS book_no, usage_period, currency
FROM (SELECT DISTINCT usage_period, currency FROM heaps) AS found
