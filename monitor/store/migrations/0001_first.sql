-- The first schema. Money and prices are TEXT, exact decimals; times are INTEGER, milliseconds since 1970 UTC; flags are 0 or 1.

-- Facts about the store itself: which program brought it to which schema, and when.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Contract facts, one row for each different set of them; price_tick '' where it is not known.
CREATE TABLE instruments (
    id INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    contract TEXT NOT NULL,
    contract_size TEXT NOT NULL,
    settle_currency TEXT NOT NULL,
    price_tick TEXT NOT NULL,
    UNIQUE (symbol, instrument_id, contract, contract_size, settle_currency, price_tick)
) STRICT;

-- Ladders of maintenance tiers, addressed by the digest of their content.
CREATE TABLE tier_tables (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    basis TEXT NOT NULL,
    tiers TEXT NOT NULL
) STRICT;

-- One row for each life (epoch) of a position; closed is NULL while it is open.
CREATE TABLE lives (
    id INTEGER PRIMARY KEY,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('long', 'short')),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    family TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    closed INTEGER,
    UNIQUE (exchange, account, symbol, side, epoch)
) STRICT;

CREATE INDEX lives_by_symbol ON lives (symbol);

-- What is held in a life, from one change to the next: everything of a position that does not move with the market.
CREATE TABLE holdings (
    id INTEGER PRIMARY KEY,
    life INTEGER NOT NULL REFERENCES lives (id),
    instrument INTEGER NOT NULL REFERENCES instruments (id),
    tiers INTEGER REFERENCES tier_tables (id),
    hedged INTEGER NOT NULL,
    contracts TEXT NOT NULL,
    entry_price TEXT NOT NULL,
    leverage TEXT,
    taker_fee_rate TEXT,
    opened TEXT NOT NULL,
    status TEXT NOT NULL,
    exchange_adds_margin INTEGER NOT NULL,
    degraded TEXT NOT NULL
) STRICT;

CREATE INDEX holdings_by_life ON holdings (life, id);

-- History: with its holding, the inputs of each assessment; then the judged outputs that people look for, and the worst level
-- then firing. Ordered by time, so that rows are only ever appended: a cycle touches few pages however many positions it reads.
CREATE TABLE readings (
    at INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id),
    holding INTEGER NOT NULL REFERENCES holdings (id),
    mark_price TEXT NOT NULL,
    isolated_margin TEXT NOT NULL,
    says_liquidation_price TEXT,
    says_requirement TEXT,
    says_margin_usage TEXT,
    changed TEXT NOT NULL,
    equity TEXT NOT NULL,
    requirement TEXT NOT NULL,
    margin_usage TEXT,
    cushion TEXT,
    liquidation_price TEXT,
    level INTEGER,
    PRIMARY KEY (at, life)
) STRICT, WITHOUT ROWID;

-- The open positions; what was last seen of one is its reading at last_seen. tiers_since: when its tiers were seen to change.
CREATE TABLE positions (
    life INTEGER PRIMARY KEY REFERENCES lives (id),
    last_seen INTEGER NOT NULL,
    absences INTEGER NOT NULL,
    mode TEXT NOT NULL,
    tiers_since INTEGER,
    tiers_moved TEXT
) STRICT;

-- What each account's key may do, as last read; ip_bound is NULL where it is not known. Rights are words with commas between.
CREATE TABLE keys (
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    rights TEXT NOT NULL,
    ip_bound INTEGER,
    expires_at INTEGER,
    read_at INTEGER NOT NULL,
    lost TEXT NOT NULL,
    lost_at INTEGER,
    PRIMARY KEY (exchange, account)
) STRICT;

CREATE TABLE families (
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    last_good INTEGER,
    failing INTEGER NOT NULL,
    error TEXT NOT NULL,
    hint TEXT NOT NULL,
    PRIMARY KEY (exchange, account, family)
) STRICT;

-- Open positions that are not isolated, in the order in which the exchange told them.
CREATE TABLE unguarded (
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    place INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    mode TEXT NOT NULL,
    PRIMARY KEY (exchange, account, family, place),
    FOREIGN KEY (exchange, account, family) REFERENCES families (exchange, account, family)
) STRICT;

-- Alerts; ended is NULL while one is alive, and one rule has at most one living alert on one subject.
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    family TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    level INTEGER NOT NULL,
    peak INTEGER NOT NULL,
    since INTEGER NOT NULL,
    state_since INTEGER NOT NULL,
    level_since INTEGER NOT NULL,
    told INTEGER,
    told_at INTEGER,
    repeats INTEGER NOT NULL,
    born INTEGER NOT NULL,
    value TEXT,
    line TEXT,
    reason TEXT NOT NULL,
    steps INTEGER NOT NULL,
    first_told_at INTEGER,
    owed TEXT,
    acked_at INTEGER,
    escalated TEXT NOT NULL,
    named TEXT NOT NULL,
    ended INTEGER
) STRICT;

CREATE UNIQUE INDEX alerts_living ON alerts (rule, kind, exchange, account, symbol, side, family, channel) WHERE ended IS NULL;

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    level INTEGER NOT NULL,
    why TEXT NOT NULL,
    kind TEXT NOT NULL,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    family TEXT NOT NULL,
    channel TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_subject ON messages (kind, exchange, account, symbol, side, family, channel);

-- The audit: each time the named reason to speak or not to speak about an alert changed.
CREATE TABLE rulings (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    family TEXT NOT NULL,
    channel TEXT NOT NULL,
    level INTEGER NOT NULL,
    named TEXT NOT NULL,
    value TEXT
) STRICT;

-- What people asked not to hear about, until when; the patterns of the matcher as JSON.
CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    match TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    emergencies INTEGER NOT NULL,
    comment TEXT NOT NULL
) STRICT;

-- The outbox. waiting: to be sent when due. sending: leased to a sender until due, then free again. accepted, dead: settled;
-- superseded: a newer message on the same subject (or a summary; its id is the detail) replaced it before it was sent;
-- expired: too old to be of use. since is when it was first to be sent: its age counts from there.
-- touched is when the row last changed; a row touched in the future shows that the clock went back.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    message TEXT NOT NULL REFERENCES messages (id),
    channel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'accepted', 'dead', 'superseded', 'expired')),
    attempt INTEGER NOT NULL,
    due INTEGER NOT NULL,
    since INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (message, channel)
) STRICT;

CREATE INDEX deliveries_open ON deliveries (channel, due) WHERE state IN ('waiting', 'sending');
CREATE INDEX deliveries_accepted ON deliveries (channel, touched) WHERE state = 'accepted';

-- Channels that ever broke; broken_since is NULL while one works.
CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    broken_since INTEGER,
    error TEXT NOT NULL
) STRICT;

-- Until when an exchange asked not to be called, for each pacing scope.
CREATE TABLE bans (
    scope TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;

-- The journal of margin changes: every intent from its plan to its end, kept for good. amount is exactly as it is sent, below 0
-- for taken out, which no policy ever does; policy is '' for a person's own. stood_before and stood_after are JSON.
CREATE TABLE intents (
    id TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('long', 'short')),
    family TEXT NOT NULL,
    instrument_id TEXT NOT NULL,
    hedged INTEGER NOT NULL,
    currency TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (CAST(amount AS REAL) <> 0),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    lease INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'PLANNED', 'SUBMITTING', 'CONFIRMED', 'VERIFIED', 'REJECTED', 'ABANDONED', 'UNKNOWN', 'RECONCILED_APPLIED',
        'RECONCILED_NOT_APPLIED', 'DISPUTED'
    )),
    planned_at INTEGER NOT NULL,
    stood_before TEXT NOT NULL,
    policy TEXT NOT NULL,
    why TEXT NOT NULL,
    submitted_at INTEGER,
    valid_until INTEGER,
    settled_at INTEGER,
    stood_after TEXT,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    looks INTEGER NOT NULL,
    CHECK (policy = '' OR CAST(amount AS REAL) > 0),
    CHECK (state IN ('PLANNED', 'ABANDONED') OR (submitted_at IS NOT NULL AND valid_until IS NOT NULL)),
    CHECK (valid_until >= submitted_at),
    CHECK ((state IN ('PLANNED', 'SUBMITTING', 'CONFIRMED', 'UNKNOWN')) = (settled_at IS NULL))
) STRICT;

-- One position has at most one intent that is not settled.
CREATE UNIQUE INDEX intents_open ON intents (exchange, account, symbol, side)
    WHERE state IN ('PLANNED', 'SUBMITTING', 'CONFIRMED', 'UNKNOWN');
CREATE INDEX intents_by_time ON intents (planned_at);

-- What was added to margins or taken out, by whomever: at is when it was seen, since the reading before.
CREATE TABLE margin_changes (
    id INTEGER PRIMARY KEY,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('long', 'short')),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    cause TEXT NOT NULL,
    stood_before TEXT NOT NULL,
    stood_after TEXT NOT NULL,
    actor TEXT NOT NULL,
    intent TEXT NOT NULL
) STRICT;

CREATE INDEX margin_changes_by_time ON margin_changes (at);

-- The kill switch of automatic margin is thrown while the row is there.
CREATE TABLE top_up_stop (
    place INTEGER PRIMARY KEY CHECK (place = 1),
    since INTEGER NOT NULL
) STRICT;

CREATE TABLE top_up_pauses (
    policy TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;

-- Since when each policy has run with its present content.
CREATE TABLE top_up_rehearsals (
    policy TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- Positions for which automatic margin is off until a person resumes it.
CREATE TABLE top_up_circuits (
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (exchange, account, symbol, side)
) STRICT;

-- Why each policy does not act on a position that it is in charge of.
CREATE TABLE top_up_refusals (
    policy TEXT NOT NULL,
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (policy, exchange, account, symbol, side)
) STRICT;
