-- What a computer that wants to be enrolled says of itself, kept from its wish to its code, and what
-- people have to be told. Details are JSON (RFC 9396); an address is where the wish came from.

ALTER TABLE pushed_requests ADD COLUMN details TEXT;
ALTER TABLE pushed_requests ADD COLUMN address TEXT;
ALTER TABLE questions ADD COLUMN details TEXT;
ALTER TABLE questions ADD COLUMN address TEXT;
ALTER TABLE codes ADD COLUMN details TEXT;
ALTER TABLE codes ADD COLUMN address TEXT;
-- The site that the person chose for it.
ALTER TABLE codes ADD COLUMN site TEXT;
ALTER TABLE device_requests ADD COLUMN details TEXT;
ALTER TABLE device_requests ADD COLUMN site TEXT;

ALTER TABLE accounts ADD COLUMN email TEXT;
ALTER TABLE accounts ADD COLUMN language TEXT;

-- next_mail: when to try to mail it; NULL: it was mailed, or is not to be.
CREATE TABLE notices (
  seq               INTEGER PRIMARY KEY,
  id                TEXT NOT NULL UNIQUE,
  account_id        TEXT NOT NULL,
  kind              TEXT NOT NULL,
  client_id         TEXT,
  initial_access_id TEXT,
  name              TEXT,
  address           TEXT,
  at                INTEGER NOT NULL,
  seen              INTEGER,
  mailed            INTEGER,
  tries             INTEGER NOT NULL DEFAULT 0,
  next_mail         INTEGER
) STRICT;

CREATE INDEX notices_by_account ON notices (account_id, seq);
CREATE INDEX notices_to_mail ON notices (next_mail) WHERE next_mail IS NOT NULL;
