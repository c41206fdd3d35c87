-- What was done, in order. Each row's hash covers the one before (ADR 23), a signed checkpoint
-- says every minute how far a chain had come. No row changes or goes, not by mistake either.
-- A chain belongs to one writer; a store in SQLite has one.

CREATE TABLE audit (
  chain TEXT NOT NULL,
  seq   INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;

CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never shrinks'); END;

CREATE TABLE audit_checkpoints (
  chain     TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;

-- Refusals of who was not authenticated: how many a minute, for which reason, from which network.
CREATE TABLE refusal_counts (
  minute  INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  network TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (minute, reason, network)
) STRICT, WITHOUT ROWID;
