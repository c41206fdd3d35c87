-- Who looks after which site. What an account owns itself is its own besides.

CREATE TABLE memberships (
  account_id TEXT NOT NULL,
  site       TEXT NOT NULL,
  role       TEXT NOT NULL,
  added      INTEGER NOT NULL,
  PRIMARY KEY (account_id, site)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_site ON memberships (site, account_id);
CREATE INDEX clients_by_owner ON clients (owner) WHERE owner IS NOT NULL;
