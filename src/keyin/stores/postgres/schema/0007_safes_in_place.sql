-- A safe that fits into a page stays in its row: kept beside it, as PostgreSQL does from two
-- kilobytes on, each save writes two tables more. What is sealed cannot be compressed.

ALTER TABLE safes SET (toast_tuple_target = 8160);
ALTER TABLE safes ALTER COLUMN sealed SET STORAGE EXTERNAL;
