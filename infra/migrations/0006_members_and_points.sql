-- Read models of members, points, campaigns and rewards; what trips were paid with in points. They are filled from the log's beginning.
ALTER TABLE payment_ledger
    ADD COLUMN redeemed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN restored_minor bigint NOT NULL DEFAULT 0;
CREATE TABLE members (
    id          uuid        PRIMARY KEY,
    identity    text        NOT NULL,
    email_key   text        COLLATE "C",
    status      text        NOT NULL,
    referrer_id uuid,
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    profile     json,
    CHECK ((profile IS NULL) = (email_key IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX members_by_email ON members (email_key) WHERE email_key IS NOT NULL;
CREATE TABLE points_accounts (
    member_id  uuid        PRIMARY KEY,
    balance    bigint      NOT NULL CHECK (balance >= 0),
    is_closed  boolean     NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE TABLE points_entries (
    member_id uuid        NOT NULL,
    position  bigint      NOT NULL,
    at        timestamptz NOT NULL,
    type      text        NOT NULL,
    points    bigint      NOT NULL CHECK (points <> 0),
    balance   bigint      NOT NULL CHECK (balance >= 0),
    cause     json        NOT NULL,
    minor     bigint,
    currency  text        COLLATE "C",
    PRIMARY KEY (member_id, position),
    CHECK ((minor IS NULL) = (currency IS NULL))
);
CREATE TABLE campaigns (
    id             uuid        PRIMARY KEY,
    action         text        NOT NULL,
    opens_at       timestamptz NOT NULL,
    ends_at        timestamptz,
    opened_by_hand boolean     NOT NULL,
    closed_because text,
    granted        bigint      NOT NULL,
    version        bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    details        json        NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX campaigns_latest ON campaigns (opens_at DESC, id DESC);
CREATE TABLE vouchers (
    id             uuid        PRIMARY KEY,
    member_id      uuid        NOT NULL,
    campaign_id    uuid        NOT NULL,
    cause          text        NOT NULL,
    type           text        NOT NULL,
    terms          json        NOT NULL,
    expires_at     timestamptz,
    used_by        uuid,
    discount_minor bigint,
    currency       text        COLLATE "C",
    granted_at     timestamptz NOT NULL,
    version        bigint      NOT NULL,
    CHECK ((used_by IS NULL) = (discount_minor IS NULL) AND (used_by IS NULL) = (currency IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX vouchers_of_member ON vouchers (member_id, granted_at DESC, id DESC);
