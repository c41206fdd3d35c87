-- What an account proves itself with besides its password: a secret that its telephone has too, as
-- ciphertext, and codes for when the telephone is gone, as keyed digests.

CREATE TABLE second_factors (
  account_id TEXT COLLATE "C" PRIMARY KEY,
  sealed     BYTEA NOT NULL,
  confirmed  BIGINT NOT NULL,
  last_step  BIGINT NOT NULL,
  created    BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
  account_id TEXT COLLATE "C" NOT NULL,
  digest     TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, digest)
);
