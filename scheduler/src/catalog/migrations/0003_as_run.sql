-- What a segment is: act, filler, and what traffic calls its own.
ALTER TABLE playlog_segments ADD COLUMN kind TEXT;

-- What was sent of a block: one row for each session that aired it. `joined_ms` tells the sessions of one block apart.
-- The frames are those of the session, whose frame 0 stands at `epoch_ms`; rows of earlier versions have none.
-- `reckoned` is 1 where AIR did not tell how many frames left.
CREATE TABLE as_run_by_frame (
    as_run_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id  INTEGER NOT NULL REFERENCES channels(channel_id),
    block_ms    INTEGER NOT NULL,
    joined_ms   INTEGER NOT NULL,
    from_ms     INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL CHECK (until_ms >= from_ms),
    block_id    TEXT NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('completed', 'cut', 'failed')),
    detail      TEXT,
    epoch_ms    INTEGER,
    rate_num    INTEGER,
    rate_den    INTEGER,
    first_frame INTEGER,
    frames      INTEGER CHECK (frames >= 0),
    reckoned    INTEGER NOT NULL DEFAULT 0 CHECK (reckoned IN (0, 1)),
    UNIQUE (channel_id, block_ms, joined_ms)
) STRICT;
INSERT INTO as_run_by_frame (channel_id, block_ms, joined_ms, from_ms, until_ms, block_id, outcome, detail)
    SELECT channel_id, block_ms, from_ms, from_ms, until_ms, block_id, outcome, detail FROM as_run
    ORDER BY from_ms, channel_id;
DROP TABLE as_run;
ALTER TABLE as_run_by_frame RENAME TO as_run;
CREATE INDEX as_run_by_end ON as_run(channel_id, until_ms);

-- The segments of it that were sent, as the block was when it aired: its playout log may have been replaced since.
CREATE TABLE as_run_segments (
    as_run_id   INTEGER NOT NULL REFERENCES as_run(as_run_id),
    position    INTEGER NOT NULL,
    kind        TEXT,
    asset_id    TEXT,
    offset_ms   INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    frames      INTEGER NOT NULL CHECK (frames > 0),
    PRIMARY KEY (as_run_id, position)
) STRICT, WITHOUT ROWID;

-- The block that is on the air on a channel. A row that is here when a station starts is of one that died.
CREATE TABLE as_run_open (
    channel_id  INTEGER PRIMARY KEY REFERENCES channels(channel_id),
    block_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    joined_ms   INTEGER NOT NULL,
    block_id    TEXT NOT NULL,
    epoch_ms    INTEGER NOT NULL,
    rate_num    INTEGER NOT NULL,
    rate_den    INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL
) STRICT;

-- What was sent stays as it was told.
CREATE TRIGGER as_run_is_not_changed BEFORE UPDATE ON as_run
    BEGIN SELECT RAISE(ABORT, 'the as-run log is only added to'); END;
CREATE TRIGGER as_run_is_not_deleted BEFORE DELETE ON as_run
    BEGIN SELECT RAISE(ABORT, 'the as-run log is only added to'); END;
