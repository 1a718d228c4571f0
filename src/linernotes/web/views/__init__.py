"""What each page shows, made of the house's records: plain values, ready for a template."""
