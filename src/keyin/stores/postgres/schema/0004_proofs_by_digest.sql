-- A proof is looked for by its digest, which says most; the namespace only keeps two kinds apart.

ALTER TABLE jti_seen DROP CONSTRAINT jti_seen_pkey;
ALTER TABLE jti_seen ADD PRIMARY KEY (digest, namespace);
