CREATE TABLE departements (
    code TEXT PRIMARY KEY,
    nom TEXT NOT NULL
);

CREATE TABLE epci (
    siren TEXT PRIMARY KEY,
    nom TEXT NOT NULL,
    nature TEXT NOT NULL,
    fiscalite TEXT NOT NULL,
    communes INTEGER NOT NULL,
    population_municipale INTEGER NOT NULL,
    population_totale INTEGER NOT NULL
);

CREATE TABLE communes (
    code TEXT PRIMARY KEY,
    nom TEXT NOT NULL,
    departement TEXT NOT NULL REFERENCES departements (code),
    epci TEXT REFERENCES epci (siren),
    siren TEXT,
    population INTEGER,
    surface_km2 REAL NOT NULL,
    densite_hab_km2 REAL,
    longitude REAL NOT NULL,
    latitude REAL NOT NULL
);

CREATE TABLE populations (
    commune TEXT NOT NULL REFERENCES communes (code),
    epci TEXT NOT NULL REFERENCES epci (siren),
    population_municipale INTEGER NOT NULL,
    population_totale INTEGER NOT NULL,
    PRIMARY KEY (commune, epci)
);

CREATE TABLE codes_postaux (
    code_postal TEXT NOT NULL,
    commune TEXT NOT NULL REFERENCES communes (code),
    PRIMARY KEY (code_postal, commune)
);

CREATE INDEX communes_par_departement ON communes (departement);
CREATE INDEX communes_par_epci ON communes (epci);
CREATE INDEX codes_postaux_par_commune ON codes_postaux (commune);

CREATE VIRTUAL TABLE communes_fts USING fts5 (
    nom, content="communes", tokenize='unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE epci_fts USING fts5 (
    nom, content="epci", tokenize='unicode61 remove_diacritics 2'
);

CREATE VIEW agglomerations AS
SELECT
    epci.nom AS agglomeration,
    epci.communes,
    epci.population_municipale,
    round(sum(communes.surface_km2), 1) AS surface_km2,
    round(epci.population_municipale / sum(communes.surface_km2), 1) AS densite_hab_km2,
    max(communes.population) AS plus_grande_commune_hab,
    min(communes.population) AS plus_petite_commune_hab
FROM epci
JOIN communes ON communes.epci = epci.siren
GROUP BY epci.siren
ORDER BY epci.population_municipale DESC;
