-- A number that goes on whenever anything changes that a grant rests on, but its safe: who knows a
-- grant from before asks for this number, and need not look at each row again. Whoever changes a
-- row moves it, also by hand. It is moved at the end of a transaction and once only, so that nobody
-- holds it for longer than a commit takes.

CREATE TABLE grants_changed (
  number BIGINT NOT NULL
);
INSERT INTO grants_changed VALUES (0);

CREATE FUNCTION note_grants_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
  IF current_setting('keyin.grants_changed', true)
    IS DISTINCT FROM pg_current_xact_id()::text
  THEN
    PERFORM set_config('keyin.grants_changed', pg_current_xact_id()::text, true);
    UPDATE grants_changed SET number = number + 1;
  END IF;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER grants_changed AFTER UPDATE OR DELETE ON tokens
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

CREATE CONSTRAINT TRIGGER grants_changed AFTER UPDATE OR DELETE ON credentials
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

CREATE CONSTRAINT TRIGGER grants_changed AFTER UPDATE OR DELETE ON clients
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

-- a token may be older than its key: some clients make one by saving
CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR UPDATE OR DELETE ON keys
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR UPDATE OR DELETE ON sites
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR UPDATE OR DELETE ON software
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_grants_changed();

CREATE CONSTRAINT TRIGGER grants_changed AFTER INSERT OR UPDATE ON meta
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.name IN ('registries', 'store_epoch'))
EXECUTE FUNCTION note_grants_changed();

CREATE TRIGGER all_grants_gone AFTER TRUNCATE ON tokens
FOR EACH STATEMENT EXECUTE FUNCTION note_grants_changed();

CREATE TRIGGER all_grants_gone AFTER TRUNCATE ON credentials
FOR EACH STATEMENT EXECUTE FUNCTION note_grants_changed();

CREATE TRIGGER all_grants_gone AFTER TRUNCATE ON clients
FOR EACH STATEMENT EXECUTE FUNCTION note_grants_changed();

CREATE TRIGGER all_grants_gone AFTER TRUNCATE ON keys
FOR EACH STATEMENT EXECUTE FUNCTION note_grants_changed();
