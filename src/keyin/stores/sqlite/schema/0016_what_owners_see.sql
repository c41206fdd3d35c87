-- What owners see of their computers: what was done with one, and when it last came from a network.
-- Tokens are not in the index: they come with every key-in, and nobody looks them up by client.

ALTER TABLE client_networks ADD COLUMN last INTEGER;

CREATE INDEX audit_by_client ON audit (
  substr(event, instr(event, '"client":"') + 10,
         instr(substr(event, instr(event, '"client":"') + 10), '"') - 1), at)
WHERE substr(event, 1, 14) <> '{"act":"token.' AND instr(event, '"client":"') > 0;
