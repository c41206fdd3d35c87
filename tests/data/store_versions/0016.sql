PRAGMA application_id = 1264142670;
PRAGMA user_version = 16;
BEGIN TRANSACTION;
CREATE TABLE accounts (
  id       TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  status   TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  updated  INTEGER
, email TEXT, language TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE applications (
  credential_id TEXT PRIMARY KEY,
  auth_method   TEXT NOT NULL,
  native        INTEGER NOT NULL,
  redirect_uris TEXT NOT NULL,
  grant_types   TEXT NOT NULL,
  scopes        TEXT NOT NULL,
  par_required  INTEGER NOT NULL,
  typ_required  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE "audit" (
  seq   INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  at    INTEGER NOT NULL,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL
) STRICT;
INSERT INTO "audit" VALUES(1,'main',1700000000000,'{"act":"token.issued","actor":"main-hall","at":1700000000000,"outcome":"done"}',X'351B18EC5CCB30823D5448D72C3868929B3A591532CDABC0AB750AFCB367855C');
CREATE TABLE audit_checkpoints (
  chain     TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_of_others (
  chain TEXT NOT NULL,
  seq   INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE client_keys (
  kid           TEXT PRIMARY KEY,
  credential_id TEXT NOT NULL,
  jwk           TEXT NOT NULL,
  algorithm     TEXT NOT NULL,
  status        TEXT NOT NULL,
  epoch         INTEGER NOT NULL,
  added         INTEGER NOT NULL,
  last_used     INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "client_keys" VALUES('kid-1','credential-1','{"crv":"P-256","kty":"EC","x":"x","y":"y"}','ES256','active',0,1700000000000,NULL);
CREATE TABLE client_networks (
  client_id TEXT NOT NULL,
  network   TEXT NOT NULL,
  first     INTEGER NOT NULL, last INTEGER,
  PRIMARY KEY (client_id, network)
) STRICT, WITHOUT ROWID;
CREATE TABLE clients (
  seq              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  kind             TEXT NOT NULL,
  name             TEXT,
  computer_type    TEXT,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  created          INTEGER NOT NULL,
  updated          INTEGER,
  legacy_until     INTEGER
) STRICT;
INSERT INTO "clients" VALUES(1,'client-1','gpiiAppInstallationClient','Main library','public','a library','main hall','s','1','grant','active',0,1700000000000,NULL,NULL);
CREATE TABLE codes (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  account_id     TEXT NOT NULL,
  account_epoch  INTEGER NOT NULL,
  expires        INTEGER NOT NULL,
  kept_until     INTEGER NOT NULL,
  used           INTEGER NOT NULL,
  token          TEXT
, details TEXT, address TEXT, site TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE credentials (
  seq              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  client_id        TEXT NOT NULL,
  oauth2_client_id TEXT NOT NULL,
  secret_digest    TEXT NOT NULL,
  networks         TEXT NOT NULL,
  writable         TEXT NOT NULL,
  may_create_keys  INTEGER NOT NULL,
  may_create_safes INTEGER NOT NULL,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  revoked_reason   TEXT,
  created          INTEGER NOT NULL,
  revoked          INTEGER
) STRICT;
INSERT INTO "credentials" VALUES(1,'credential-1','client-1','main-hall','p:00','unrestricted','["http://registry.gpii.net/common/language"]',0,1,'a library','main hall','s','1','grant','active',0,NULL,1700000000000,NULL);
CREATE TABLE device_requests (
  digest        TEXT PRIMARY KEY,
  user_code     TEXT NOT NULL UNIQUE,
  credential_id TEXT NOT NULL,
  scope         TEXT NOT NULL,
  jkt           TEXT,
  address       TEXT,
  interval_s    INTEGER NOT NULL,
  polled        INTEGER,
  account_id    TEXT,
  account_epoch INTEGER,
  denied        INTEGER NOT NULL,
  expires       INTEGER NOT NULL
, details TEXT, site TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE initial_access (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  digest         TEXT NOT NULL UNIQUE,
  kind           TEXT NOT NULL,
  owner          TEXT,
  site           TEXT,
  label          TEXT NOT NULL,
  template       TEXT NOT NULL,
  computer       TEXT,
  max_uses       INTEGER NOT NULL,
  uses           INTEGER NOT NULL,
  not_before     INTEGER NOT NULL,
  expires        INTEGER NOT NULL,
  networks       TEXT NOT NULL,
  software_ids   TEXT NOT NULL,
  bound_jkt      TEXT,
  status         TEXT NOT NULL,
  revoked_reason TEXT,
  created        INTEGER NOT NULL,
  last_used      INTEGER
) STRICT;
CREATE TABLE "jti_seen" (
  seq       INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  digest    TEXT NOT NULL,
  expires   INTEGER NOT NULL
) STRICT;
CREATE TABLE key_places (
  key_digest TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (key_digest, client_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
  seq              INTEGER PRIMARY KEY,
  digest           TEXT NOT NULL UNIQUE,
  sealed           BLOB NOT NULL,
  safe_id          TEXT,
  prefs_set_id     TEXT,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  low_entropy      INTEGER NOT NULL,
  revoked_reason   TEXT,
  created          INTEGER NOT NULL,
  updated          INTEGER,
  revoked          INTEGER
, policy TEXT) STRICT;
INSERT INTO "keys" VALUES(1,'p:k1',X'7365616C6564206B6579','s_1','gpii-default','a library','main hall','s','1','grant','active',0,1,NULL,1700000000000,NULL,NULL,NULL);
CREATE TABLE memberships (
  account_id TEXT NOT NULL,
  site       TEXT NOT NULL,
  role       TEXT NOT NULL,
  added      INTEGER NOT NULL,
  PRIMARY KEY (account_id, site)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('registries','1');
INSERT INTO "meta" VALUES('store_epoch','0');
CREATE TABLE migrations (
  version  INTEGER PRIMARY KEY,
  name     TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO "migrations" VALUES(1,'records','b94d286627c52ded026a0e98e15f4b59e6b6185b37b2c8be4b4fead834bb414a','2026-11-22T10:57:35.256Z');
INSERT INTO "migrations" VALUES(2,'client_keys','8a8d8c364308bb139a1d785dc92757f4f33e094e4ab3364626086df7f89c61b6','2026-11-22T10:57:35.259Z');
INSERT INTO "migrations" VALUES(3,'audit','a796f7674ecd4c8fe54a57927b91f6d9bb8a2851e177a712c2c021ccbe89fd6e','2026-11-22T10:57:35.260Z');
INSERT INTO "migrations" VALUES(4,'accounts','473cd9d8de2031f2949776fb4b3b4e9a1a940fc3ba93eec5e8d9e5bb0e3878e0','2026-11-22T10:57:35.260Z');
INSERT INTO "migrations" VALUES(5,'sites_and_software','896a40da6688c38235f95805ddf09fbbfdf31141e995967598a827978d983695','2026-11-22T10:57:35.269Z');
INSERT INTO "migrations" VALUES(6,'limits','e851846d46fc36b0984b0f089a65d372e5a14c1693195860c40297ba69bee0eb','2026-11-22T10:57:35.273Z');
INSERT INTO "migrations" VALUES(7,'applications_and_flows','6f00e265ca1040e09ae0c42133910c584e2b4f54e0717871bac54be1e2098a18','2026-11-22T10:57:35.274Z');
INSERT INTO "migrations" VALUES(8,'rows_in_order','293259ba256bd5d86c6c4ba78e5b7e2d04e39ab032a679aa657fee344951c3e0','2026-11-22T10:57:35.279Z');
INSERT INTO "migrations" VALUES(9,'replays_in_order','ff70913748bfdf19d6091ea8b08d4ed2399117ff2af65d0fca2381242b112db2','2026-11-22T10:57:35.283Z');
INSERT INTO "migrations" VALUES(10,'memberships','35cf8a8e40a89f269937af22935191b6a3c175c6b36af3ddb51dd6c330b4936c','2026-11-22T10:57:35.293Z');
INSERT INTO "migrations" VALUES(11,'wishes_and_notices','316e520a2af0bb8d0fc940edfaee275edfaf039df8705aba4114124663a1b3a7','2026-11-22T10:57:35.297Z');
INSERT INTO "migrations" VALUES(12,'enrolment','7d3eaf4dc67fd9338554cf47632ecbb1de351263ac9f25c71426baacf0ace6e9','2026-11-22T10:57:35.299Z');
INSERT INTO "migrations" VALUES(13,'audit_of_others','2a5795e7e9b347bb9c11e43c4b583d95c0dc2fe2c05b1de334d7dcef97d235c5','2026-11-22T10:57:35.301Z');
INSERT INTO "migrations" VALUES(14,'second_factors','26b875bc9696e05b6205a53de1b379c95e9200c3217ef3ffb1e2dc852753cad5','2026-11-22T10:57:35.302Z');
INSERT INTO "migrations" VALUES(15,'client_networks','6fe1632e5385237448c68c80e61773016725675882738c0c14447dbc32daa4ea','2026-11-22T10:57:35.302Z');
INSERT INTO "migrations" VALUES(16,'what_owners_see','d136b7b065a9074f95cc779d3a78227c970f0ddb27d333c6115c0047eb3f10dc','2026-11-22T10:57:35.303Z');
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
CREATE TABLE pushed_requests (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  expires        INTEGER NOT NULL
, details TEXT, address TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE questions (
  digest         TEXT PRIMARY KEY,
  credential_id  TEXT NOT NULL,
  redirect_uri   TEXT NOT NULL,
  scope          TEXT NOT NULL,
  state          TEXT,
  code_challenge TEXT NOT NULL,
  jkt            TEXT,
  account_id     TEXT NOT NULL,
  session        TEXT NOT NULL,
  expires        INTEGER NOT NULL
, details TEXT, address TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE quota_buckets (
  name    TEXT PRIMARY KEY,
  full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE quota_members (
  name   TEXT NOT NULL,
  member TEXT NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (name, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE recovery_codes (
  account_id TEXT NOT NULL,
  digest     TEXT NOT NULL,
  PRIMARY KEY (account_id, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusal_counts (
  minute  INTEGER NOT NULL,
  reason  TEXT NOT NULL,
  network TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (minute, reason, network)
) STRICT, WITHOUT ROWID;
CREATE TABLE registrations (
  client_id         TEXT PRIMARY KEY,
  credential_id     TEXT NOT NULL UNIQUE,
  token_digest      TEXT NOT NULL,
  initial_access_id TEXT,
  channel_id        TEXT,
  installation_id   TEXT,
  scopes            TEXT NOT NULL,
  activate_by       INTEGER,
  version           INTEGER NOT NULL,
  flags             TEXT NOT NULL,
  created           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE registries (
  os_id   TEXT PRIMARY KEY,
  content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "registries" VALUES('linux',X'7B7D');
CREATE TABLE safes (
  seq     INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  kind    TEXT NOT NULL,
  sealed  BLOB NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER
) STRICT;
INSERT INTO "safes" VALUES(1,'s_1','user',X'7365616C65642073616665',1700000000000,NULL);
CREATE TABLE second_factors (
  account_id TEXT PRIMARY KEY,
  sealed     BLOB NOT NULL,
  confirmed  INTEGER NOT NULL,
  last_step  INTEGER NOT NULL,
  created    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  digest        TEXT PRIMARY KEY,
  account_id    TEXT NOT NULL,
  account_epoch INTEGER NOT NULL,
  signed_in     INTEGER NOT NULL,
  seen          INTEGER NOT NULL,
  expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sign_in_failures (
  bucket TEXT PRIMARY KEY,
  count  INTEGER NOT NULL,
  last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE site_policies (
  site    TEXT PRIMARY KEY,
  returns TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sites (
  name    TEXT PRIMARY KEY,
  status  TEXT NOT NULL,
  reason  TEXT,
  created INTEGER NOT NULL,
  updated INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "sites" VALUES('closed hall','suspended','compromised',1700000000000,NULL);
CREATE TABLE software (
  id      TEXT NOT NULL,
  version TEXT NOT NULL,
  status  TEXT NOT NULL,
  reason  TEXT,
  created INTEGER NOT NULL,
  updated INTEGER,
  PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
INSERT INTO "software" VALUES('s','2','suspended','other',1700000000000,1700000000001);
CREATE TABLE "tokens" (
  place            INTEGER PRIMARY KEY,
  digest           TEXT NOT NULL,
  client_id        TEXT NOT NULL,
  credential_id    TEXT NOT NULL,
  key_digest       TEXT NOT NULL,
  audience         TEXT NOT NULL,
  scope            TEXT NOT NULL,
  owner            TEXT,
  site             TEXT,
  software_id      TEXT,
  software_version TEXT,
  origin           TEXT NOT NULL,
  status           TEXT NOT NULL,
  client_epoch     INTEGER NOT NULL,
  credential_epoch INTEGER NOT NULL,
  key_epoch        INTEGER,
  store_epoch      INTEGER NOT NULL,
  issued           INTEGER NOT NULL,
  expires          INTEGER NOT NULL,
  cnf_jkt          TEXT,
  account_id       TEXT,
  account_epoch    INTEGER
) STRICT;
INSERT INTO "tokens" VALUES(929099643,'p:t1','client-1','credential-1','p:k1','https://cloud.example','settings','a library','main hall','s','1','grant','active',0,0,0,0,1700000000000,1700003600000,NULL,NULL,NULL);
CREATE INDEX credentials_by_oauth2_client_id ON credentials (oauth2_client_id);
CREATE INDEX sessions_by_expiry ON sessions (expires);
CREATE INDEX sign_in_failures_by_last ON sign_in_failures (last);
CREATE INDEX clients_by_site ON clients (site) WHERE site IS NOT NULL;
CREATE INDEX credentials_by_site ON credentials (site) WHERE site IS NOT NULL;
CREATE INDEX clients_by_software ON clients (software_id, software_version)
  WHERE software_id IS NOT NULL;
CREATE INDEX credentials_by_software ON credentials (software_id, software_version)
  WHERE software_id IS NOT NULL;
CREATE INDEX credentials_by_client ON credentials (client_id);
CREATE INDEX client_keys_by_credential ON client_keys (credential_id);
CREATE INDEX quota_buckets_by_end ON quota_buckets (full_at);
CREATE INDEX quota_members_by_end ON quota_members (until);
CREATE INDEX key_places_by_end ON key_places (until);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires);
CREATE INDEX questions_by_expiry ON questions (expires);
CREATE INDEX codes_by_end ON codes (kept_until);
CREATE INDEX device_requests_by_expiry ON device_requests (expires);
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never shrinks'); END;
CREATE INDEX memberships_by_site ON memberships (site, account_id);
CREATE INDEX clients_by_owner ON clients (owner) WHERE owner IS NOT NULL;
CREATE INDEX notices_by_account ON notices (account_id, seq);
CREATE INDEX notices_to_mail ON notices (next_mail) WHERE next_mail IS NOT NULL;
CREATE INDEX initial_access_by_owner ON initial_access (owner, seq) WHERE owner IS NOT NULL;
CREATE INDEX initial_access_by_site ON initial_access (site, seq) WHERE site IS NOT NULL;
CREATE INDEX initial_access_by_expiry ON initial_access (expires);
CREATE INDEX registrations_by_access ON registrations (initial_access_id)
  WHERE initial_access_id IS NOT NULL;
CREATE INDEX registrations_by_channel ON registrations (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX registrations_by_installation ON registrations (installation_id)
  WHERE installation_id IS NOT NULL;
CREATE INDEX registrations_to_activate ON registrations (activate_by)
  WHERE activate_by IS NOT NULL;
CREATE INDEX clients_by_owner_and_name ON clients (owner, name) WHERE owner IS NOT NULL;
CREATE INDEX client_keys_by_use ON client_keys (coalesce(last_used, added));
CREATE TRIGGER audit_of_others_never_changes BEFORE UPDATE ON audit_of_others
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;
CREATE TRIGGER audit_of_others_never_shrinks BEFORE DELETE ON audit_of_others
BEGIN SELECT RAISE(ABORT, 'the audit log never shrinks'); END;
CREATE INDEX audit_by_client ON audit (
  substr(event, instr(event, '"client":"') + 10,
         instr(substr(event, instr(event, '"client":"') + 10), '"') - 1), at)
WHERE substr(event, 1, 14) <> '{"act":"token.' AND instr(event, '"client":"') > 0;
COMMIT;
