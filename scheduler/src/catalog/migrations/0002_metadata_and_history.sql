-- Where a source's files are listed from. The root is a folder, or the address of a server; `credential` says where the
-- server's key is read from ('env:NAME' or 'file:PATH'), never what it is.
ALTER TABLE sources ADD COLUMN importer TEXT NOT NULL DEFAULT 'files'
    CHECK (importer IN ('files', 'jellyfin', 'plex'));
ALTER TABLE sources ADD COLUMN credential TEXT;
ALTER TABLE sources ADD COLUMN path_map_json TEXT NOT NULL DEFAULT '[]';

-- A collection with a match holds the assets that match, whatever folder they are in.
ALTER TABLE collections ADD COLUMN match_json TEXT;

-- `content_mark` tells a file that was moved or renamed; `description_mark` changes with what is told of a file
-- from elsewhere than the file: sidecars, a server's library.
ALTER TABLE assets ADD COLUMN series TEXT;
ALTER TABLE assets ADD COLUMN rating TEXT;
ALTER TABLE assets ADD COLUMN content_mark TEXT;
ALTER TABLE assets ADD COLUMN description_mark INTEGER NOT NULL DEFAULT 0;
CREATE INDEX assets_by_content ON assets(content_mark);
CREATE INDEX assets_by_source ON assets(source_id);

CREATE TABLE genres (
    asset_pk INTEGER NOT NULL REFERENCES assets(asset_pk) ON DELETE CASCADE,
    genre    TEXT NOT NULL,
    PRIMARY KEY (asset_pk, genre)
) STRICT, WITHOUT ROWID;

-- What decoding a whole file has told. Levels are hundredths of LUFS, LU and dBTP; they are absent in a file that
-- is silent or has no sound. `failure` is there when the file could not be decoded.
CREATE TABLE measurements (
    asset_pk        INTEGER PRIMARY KEY REFERENCES assets(asset_pk) ON DELETE CASCADE,
    integrated      INTEGER,
    loudness_range  INTEGER,
    true_peak       INTEGER,
    failure         TEXT
) STRICT;

-- Places that are black and silent. Only those that somebody accepted are ever used.
CREATE TABLE suggested_breaks (
    asset_pk  INTEGER NOT NULL REFERENCES assets(asset_pk) ON DELETE CASCADE,
    at_ms     INTEGER NOT NULL,
    length_ms INTEGER NOT NULL,
    accepted  INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1)),
    PRIMARY KEY (asset_pk, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule_revisions (
    revision_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id    INTEGER NOT NULL REFERENCES channels(channel_id),
    broadcast_day TEXT NOT NULL,
    made_ms       INTEGER NOT NULL,
    hash          TEXT NOT NULL,
    schedule_json TEXT NOT NULL
) STRICT;
CREATE INDEX revisions_by_day ON schedule_revisions(channel_id, broadcast_day);

-- The playout log: blocks with their segments, as planned. History names assets by their lasting ids, so that it
-- outlives them.
CREATE TABLE playlog_blocks (
    channel_id INTEGER NOT NULL REFERENCES channels(channel_id),
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
    block_id   TEXT NOT NULL,
    title      TEXT NOT NULL,
    PRIMARY KEY (channel_id, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE playlog_segments (
    channel_id  INTEGER NOT NULL,
    block_ms    INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    asset_id    TEXT,
    offset_ms   INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (channel_id, block_ms, position),
    FOREIGN KEY (channel_id, block_ms) REFERENCES playlog_blocks(channel_id, start_ms) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What was sent of a block: one row for each session that aired it.
CREATE TABLE as_run (
    channel_id INTEGER NOT NULL REFERENCES channels(channel_id),
    block_ms   INTEGER NOT NULL,
    from_ms    INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL CHECK (until_ms >= from_ms),
    block_id   TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('completed', 'cut', 'failed')),
    detail     TEXT,
    PRIMARY KEY (channel_id, block_ms, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE play_history (
    channel_id INTEGER NOT NULL REFERENCES channels(channel_id),
    asset_id   TEXT NOT NULL,
    from_ms    INTEGER NOT NULL,
    aired_ms   INTEGER NOT NULL,
    PRIMARY KEY (channel_id, asset_id, from_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX plays_by_asset ON play_history(asset_id, from_ms);
