-- Chains that other writers have written before the store came here (`keyin cloud copy`): they end
-- where they ended there. The chain that goes on is in `audit`.

CREATE TABLE audit_of_others (
  chain TEXT NOT NULL,
  seq   INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_of_others_never_changes BEFORE UPDATE ON audit_of_others
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;

CREATE TRIGGER audit_of_others_never_shrinks BEFORE DELETE ON audit_of_others
BEGIN SELECT RAISE(ABORT, 'the audit log never shrinks'); END;
