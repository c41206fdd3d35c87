-- Limits that outlive the process (ADR 25), and what was said of a key by who answers for it.
-- Names hold digests and record ids; a member is the beginning of a keyed digest.

CREATE TABLE quota_buckets (
  name    TEXT PRIMARY KEY,
  full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX quota_buckets_by_end ON quota_buckets (full_at);

CREATE TABLE quota_members (
  name   TEXT NOT NULL,
  member TEXT NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (name, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX quota_members_by_end ON quota_members (until);

-- The computers at which a key with a limited number of them is open.
CREATE TABLE key_places (
  key_digest TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (key_digest, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_places_by_end ON key_places (until);

-- JSON; NULL: no policy.
ALTER TABLE keys ADD COLUMN policy TEXT;
