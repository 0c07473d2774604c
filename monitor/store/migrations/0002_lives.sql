-- What happened in the lives of positions, the open questions about it, and which record of the exchange confirms a margin change.

-- Every event, kept for good. at: by the exchange's record where since is NULL, else seen then, after since. before_, after_ and
-- amount are exact decimals; breakdown is JSON. waiting: 1 while it is still to be told with what happened meanwhile.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('long', 'short')),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    since INTEGER,
    seen_at INTEGER NOT NULL,
    currency TEXT NOT NULL,
    unit TEXT NOT NULL,
    before_ TEXT,
    after_ TEXT,
    amount TEXT,
    cause TEXT NOT NULL,
    actor TEXT NOT NULL,
    ended INTEGER NOT NULL,
    detail TEXT NOT NULL,
    breakdown TEXT,
    waiting INTEGER NOT NULL
) STRICT;

CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_waiting ON events (waiting) WHERE waiting = 1;

-- Open questions, one a life: the position as it was is its reading at read_at; what is here goes when it is answered.
CREATE TABLE cases (
    life INTEGER PRIMARY KEY REFERENCES lives (id),
    read_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    contracts TEXT NOT NULL,
    ended INTEGER NOT NULL,
    due INTEGER NOT NULL,
    free TEXT,
    free_at INTEGER,
    others TEXT NOT NULL,
    away INTEGER NOT NULL,
    told INTEGER NOT NULL,
    tries INTEGER NOT NULL
) STRICT;

-- The exchange's own name of a margin change, where its records confirm it; since and at are the exchange's time then.
ALTER TABLE margin_changes ADD COLUMN record TEXT NOT NULL DEFAULT '';
