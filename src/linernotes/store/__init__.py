"""What is kept: the catalogue in a database, the fingerprint index in mapped files. The only SQL of the project."""
