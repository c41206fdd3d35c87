-- From which networks a computer was seen to ask, so that its owner is told of a new one.

CREATE TABLE client_networks (
  client_id TEXT NOT NULL,
  network   TEXT NOT NULL,
  first     INTEGER NOT NULL,
  PRIMARY KEY (client_id, network)
) STRICT, WITHOUT ROWID;
