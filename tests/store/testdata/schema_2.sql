PRAGMA application_id = 1296253260;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
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
INSERT INTO "alerts" VALUES(1,'K7Q2','cushion','position','binance','main','BTC/USDT:USDT','long','usdm','','firing',3,3,1772600767891,1772600767891,1772600767891,3,1772600767891,0,0,NULL,NULL,'nearer than 15 %',0,NULL,NULL,1772600827891,'','',NULL);
CREATE TABLE bans (
    scope TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
INSERT INTO "bans" VALUES('binance',1772600827891);
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
CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    broken_since INTEGER,
    error TEXT NOT NULL
) STRICT;
INSERT INTO "channels" VALUES('phone',1772600767891,'401');
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
INSERT INTO "deliveries" VALUES(1,'m1','phone','waiting',0,1772600767891,1772600767891,1772600767891,'');
INSERT INTO "deliveries" VALUES(2,'m1','mail','accepted',1,1772600827891,1772600767891,1772600767891,'');
INSERT INTO "deliveries" VALUES(3,'m2','phone','waiting',0,1772600767891,1772600767891,1772600767891,'');
INSERT INTO "deliveries" VALUES(4,'m2','mail','waiting',0,1772600767891,1772600767891,1772600767891,'');
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
INSERT INTO "families" VALUES('binance','main','usdm','ok',1772600707891,1772600767891,0,'','');
INSERT INTO "families" VALUES('binance','main','coinm','blind',1772600707891,1772600767891,7,'it timed out','');
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
INSERT INTO "holdings" VALUES(1,1,1,1,1,'0.5','60000','10','0.00055','1767323045123','normal',1,'contract_size_inferred,no_fee');
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
INSERT INTO "instruments" VALUES(1,'BTC/USDT:USDT','BTCUSDT','linear','1','USDT','0.10');
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
INSERT INTO "intents" VALUES('MCREJECTED','binance','main','BTC/USDT:USDT','long','usdm','BTCUSDT',0,'USDT','25.4567',1,1,'REJECTED',1772600767891,'{"at": 1772600767891, "contracts": "0.5", "mark_price": "59000", "isolated_margin": "3000", "equity": "2500", "changed": ""}','','',1772600767891,1772600772891,1772600827891,NULL,'','',0);
INSERT INTO "intents" VALUES('MCUNKNOWN','binance','main','BTC/USDT:USDT','long','usdm','BTCUSDT',0,'USDT','25.4567',1,1,'UNKNOWN',1772600767891,'{"at": 1772600767891, "contracts": "0.5", "mark_price": "59000", "isolated_margin": "3000", "equity": "2500", "changed": ""}','','',1772600767891,1772600772891,NULL,NULL,'','',0);
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
INSERT INTO "lives" VALUES(1,'binance','main','BTC/USDT:USDT','long',1,'usdm',1772600707891,NULL);
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
, record TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "margin_changes" VALUES(1,'binance','main','BTC/USDT:USDT','long',1,1772600767891,1772600707891,'-12.5','USDT','elsewhere','{"at": 1772600767891, "contracts": "0.5", "mark_price": "59000", "isolated_margin": "3000", "equity": "2500", "changed": ""}','{"at": 1772600827891, "contracts": "0.5", "mark_price": "59000", "isolated_margin": "2987.5", "equity": "2500", "cushion": "0.2", "changed": ""}','','','');
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
INSERT INTO "messages" VALUES('m1','K7Q2',3,'first','position','binance','main','BTC/USDT:USDT','long','usdm','','BTC long 12 % from liquidation','Add 85 USDT; 412 free.',1772600767891);
INSERT INTO "messages" VALUES('m2','K7Q2',2,'first','position','binance','main','BTC/USDT:USDT','long','usdm','','BTC long 12 % from liquidation','Add 85 USDT; 412 free.',1772600767891);
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO "meta" VALUES('schema 1','margincall 0.1.0, 2026-11-23T06:31:46Z');
INSERT INTO "meta" VALUES('schema 2','margincall 0.1.0, 2026-11-23T06:31:46Z');
INSERT INTO "meta" VALUES('lease','1');
CREATE TABLE positions (
    life INTEGER PRIMARY KEY REFERENCES lives (id),
    last_seen INTEGER NOT NULL,
    absences INTEGER NOT NULL,
    mode TEXT NOT NULL,
    tiers_since INTEGER,
    tiers_moved TEXT
) STRICT;
INSERT INTO "positions" VALUES(1,1772600767891,0,'',NULL,NULL);
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
INSERT INTO "readings" VALUES(1772600767891,1,1,'59000','3000','54216.8700','118.00','0.0472','seq 42','2500.0','118.0000','0.0472','0.8270833333333333333333333333','54216.86746987951807228915662',3);
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
CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    match TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    emergencies INTEGER NOT NULL,
    comment TEXT NOT NULL
) STRICT;
INSERT INTO "silences" VALUES('S7Q2','{"account": ["test"]}',1772600767891,1772604367891,0,'moving');
CREATE TABLE tier_tables (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    basis TEXT NOT NULL,
    tiers TEXT NOT NULL
) STRICT;
INSERT INTO "tier_tables" VALUES(1,'8014f0985abf65099695580070bd2c6eb8d5006005109652cb2e7495464bc2ba','notional','[["0","300000","0.004","0"],["300000",null,"0.005","300"]]');
CREATE TABLE top_up_circuits (
    exchange TEXT NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (exchange, account, symbol, side)
) STRICT;
INSERT INTO "top_up_circuits" VALUES('binance','main','BTC/USDT:USDT','long',1772600767891,'two unknown outcomes in a row');
CREATE TABLE top_up_pauses (
    policy TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;
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
CREATE TABLE top_up_rehearsals (
    policy TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
INSERT INTO "top_up_rehearsals" VALUES('btc_guard','trigger=0.3',1772600767891);
CREATE TABLE top_up_stop (
    place INTEGER PRIMARY KEY CHECK (place = 1),
    since INTEGER NOT NULL
) STRICT;
INSERT INTO "top_up_stop" VALUES(1,1772600767891);
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
INSERT INTO "unguarded" VALUES('binance','main','usdm',0,'ETH/USDT:USDT','short','cross');
CREATE INDEX lives_by_symbol ON lives (symbol);
CREATE INDEX holdings_by_life ON holdings (life, id);
CREATE UNIQUE INDEX alerts_living ON alerts (rule, kind, exchange, account, symbol, side, family, channel) WHERE ended IS NULL;
CREATE INDEX messages_by_subject ON messages (kind, exchange, account, symbol, side, family, channel);
CREATE INDEX deliveries_open ON deliveries (channel, due) WHERE state IN ('waiting', 'sending');
CREATE INDEX deliveries_accepted ON deliveries (channel, touched) WHERE state = 'accepted';
CREATE UNIQUE INDEX intents_open ON intents (exchange, account, symbol, side)
    WHERE state IN ('PLANNED', 'SUBMITTING', 'CONFIRMED', 'UNKNOWN');
CREATE INDEX intents_by_time ON intents (planned_at);
CREATE INDEX margin_changes_by_time ON margin_changes (at);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_waiting ON events (waiting) WHERE waiting = 1;
COMMIT;
