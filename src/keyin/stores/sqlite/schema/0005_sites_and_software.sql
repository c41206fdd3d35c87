-- What is said of a site's computers, and of those with one version of a software. A site or a
-- version that has no row is active: nothing was said against it.

CREATE TABLE sites (
  name    TEXT PRIMARY KEY,
  status  TEXT NOT NULL,
  reason  TEXT,
  created INTEGER NOT NULL,
  updated INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE software (
  id      TEXT NOT NULL,
  version TEXT NOT NULL,
  status  TEXT NOT NULL,
  reason  TEXT,
  created INTEGER NOT NULL,
  updated INTEGER,
  PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- One word about a site or a version moves the epoch of each of its clients.
CREATE INDEX clients_by_site ON clients (site) WHERE site IS NOT NULL;
CREATE INDEX credentials_by_site ON credentials (site) WHERE site IS NOT NULL;
CREATE INDEX clients_by_software ON clients (software_id, software_version)
  WHERE software_id IS NOT NULL;
CREATE INDEX credentials_by_software ON credentials (software_id, software_version)
  WHERE software_id IS NOT NULL;
-- What a client has is listed with it.
CREATE INDEX credentials_by_client ON credentials (client_id);
CREATE INDEX client_keys_by_credential ON client_keys (credential_id);
