-- From which networks a computer was seen to ask, so that its owner is told of a new one.

CREATE TABLE client_networks (
  client_id TEXT COLLATE "C" NOT NULL,
  network   TEXT COLLATE "C" NOT NULL,
  first     BIGINT NOT NULL,
  PRIMARY KEY (client_id, network)
);
