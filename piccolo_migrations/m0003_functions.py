"""The hot paths as set-based SQL functions: send a batch, move a batch of receipts, log what a transaction told.

Locks are always taken in one order: conversations by id, then the head of the log; participants only by whoever holds
their conversation. So no two writers can wait for each other. The head's row lock is what numbers events without gaps
in commit order, and times in the order of positions; it is never held across a client round trip (a function call is
one statement, the trigger runs inside COMMIT).

In READ COMMITTED each statement in a function sees what was committed before it began: lock first, look after.

`SET enable_… = off` binds the plan: left free, the planner flips to hash joins and sequential scans once the tables
have grown, and a call becomes many times dearer. The plan is made once a connection, not once a call.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0003_functions"

BOUND_PLAN = """
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off SET jit = off SET plan_cache_mode = force_generic_plan
"""

# A lone draft, which is what comes while a server is not busy: the same rules and codes as for a batch, step by step.
# Measured: for one draft the batch's plan costs Postgres half as much again, for eight the steps cost a third more.
# Every statement goes by one key, so fewer settings bind its plan.
SEND_ONE = """
CREATE FUNCTION parley_send_one(
    p_id uuid, p_conversation_id uuid, p_sender_id text, p_client_id uuid, p_kind text,
    p_body text, p_context text, p_reply_to uuid, p_digest bytea, p_last_seen_seq bigint,
    p_is_service boolean, p_data_head text, p_data_tail text,
    OUT r_code text, OUT r_seq bigint, OUT r_position bigint, OUT r_created_at text, OUT r_message_id uuid,
    OUT r_audience text[]
)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_state text;
    v_digest bytea;
    v_now timestamptz;
BEGIN
    SELECT state, last_seq INTO v_state, r_seq FROM conversation WHERE id = p_conversation_id FOR UPDATE;
    r_audience := ARRAY(
        SELECT user_id::text FROM participant WHERE conversation_id = p_conversation_id AND left_at IS NULL);
    SELECT id, draft_digest INTO r_message_id, v_digest FROM message
    WHERE sender_id = p_sender_id AND client_id = p_client_id;
    r_code := CASE
        WHEN r_seq IS NULL OR NOT (p_is_service OR p_sender_id = ANY (r_audience)) THEN 'not_found'
        WHEN v_digest <> p_digest THEN 'message_conflict'
        WHEN r_message_id IS NOT NULL THEN 'repeated'
        WHEN v_state = 'closed' AND NOT p_is_service THEN 'conversation_closed'
        WHEN p_last_seen_seq < r_seq THEN 'conversation_moved'
        ELSE 'sent'
    END;
    IF r_code = 'sent' AND p_reply_to IS NOT NULL THEN
        PERFORM 1 FROM message WHERE id = p_reply_to AND conversation_id = p_conversation_id;
        r_code := CASE WHEN FOUND THEN 'sent' ELSE 'reply_not_found' END;
    END IF;
    IF r_code <> 'sent' THEN
        RETURN;
    END IF;
    r_seq := r_seq + 1;
    r_message_id := p_id;
    UPDATE log_head SET position = position + 1 WHERE id = 1 RETURNING position INTO r_position;
    v_now := clock_timestamp();  -- under the head's lock: times are in the order of positions
    r_created_at := to_char(v_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    UPDATE conversation SET last_seq = r_seq, last_activity_at = v_now WHERE id = p_conversation_id;
    UPDATE participant SET
        listed_at = CASE WHEN listed_at <= v_now - interval '60 seconds' THEN v_now ELSE listed_at END,
        is_archived = false,
        read_seq = CASE WHEN user_id = p_sender_id THEN r_seq ELSE read_seq END,
        delivered_seq = CASE WHEN user_id = p_sender_id THEN r_seq ELSE delivered_seq END
    WHERE conversation_id = p_conversation_id AND left_at IS NULL
        AND (user_id = p_sender_id OR is_archived OR listed_at <= v_now - interval '60 seconds');
    INSERT INTO message (
        id, conversation_id, seq, position, sender_id, client_id, kind, body, context, reply_to, draft_digest,
        created_at
    ) VALUES (
        p_id, p_conversation_id, r_seq, r_position, p_sender_id, p_client_id, p_kind, p_body, p_context::json,
        p_reply_to, p_digest, v_now
    );
    INSERT INTO event (position, conversation_id, message_id, kind, audience, data, created_at)
    VALUES (
        r_position, p_conversation_id, p_id, 'message.sent', r_audience,
        (p_data_head || r_seq || p_data_tail || r_created_at || '","edited_at":null,"deleted_at":null}}')::json, v_now
    );
    PERFORM pg_notify('parley_log', r_position::text);
END $$
"""

# One call for a batch of drafts. Each gets a code of its own: a bad one never fails its neighbours.
# `p_data_heads` and `p_data_tails` are the event's JSON around `seq` and `created_at`, encoded by the caller.
# The batch holds each (sender, client_id) once, and a guarded draft only as the first of its conversation.
SEND = f"""
CREATE FUNCTION parley_send(
    p_ids uuid[], p_conversation_ids uuid[], p_sender_ids text[], p_client_ids uuid[], p_kinds text[],
    p_bodies text[], p_contexts text[], p_reply_tos uuid[], p_digests bytea[], p_last_seen_seqs bigint[],
    p_are_service boolean[], p_data_heads text[], p_data_tails text[]
)
RETURNS TABLE (
    r_ord bigint, r_code text, r_seq bigint, r_position bigint, r_created_at text, r_message_id uuid,
    r_audience text[]
)
LANGUAGE plpgsql {BOUND_PLAN} AS $$
#variable_conflict use_column
DECLARE
    v_head bigint;
    v_new_head bigint;
    v_now timestamptz;
    v_now_text text;
BEGIN
    PERFORM 1 FROM conversation WHERE id = ANY (p_conversation_ids) ORDER BY id FOR UPDATE;
    SELECT position INTO v_head FROM log_head WHERE id = 1 FOR UPDATE;
    v_now := clock_timestamp();
    v_now_text := to_char(v_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    RETURN QUERY
    WITH draft AS (
        SELECT * FROM unnest(
            p_ids, p_conversation_ids, p_sender_ids, p_client_ids, p_kinds, p_bodies, p_contexts, p_reply_tos,
            p_digests, p_last_seen_seqs, p_are_service, p_data_heads, p_data_tails
        ) WITH ORDINALITY AS d (
            id, conversation_id, sender_id, client_id, kind, body, context, reply_to,
            digest, last_seen_seq, is_service, data_head, data_tail, ord
        )
    ),
    judged AS (
        SELECT d.*, c.last_seq, c.audience, m.id AS first_id,
            CASE
                WHEN c.id IS NULL OR NOT (d.is_service OR d.sender_id = ANY (c.audience)) THEN 'not_found'
                WHEN m.draft_digest <> d.digest THEN 'message_conflict'
                WHEN m.id IS NOT NULL THEN 'repeated'
                WHEN c.state = 'closed' AND NOT d.is_service THEN 'conversation_closed'
                WHEN d.last_seen_seq < c.last_seq THEN 'conversation_moved'
                WHEN d.reply_to IS NOT NULL AND r.id IS NULL THEN 'reply_not_found'
                ELSE 'sent'
            END AS code
        FROM draft d
        LEFT JOIN LATERAL (
            SELECT id, state, last_seq, ARRAY(
                SELECT user_id::text FROM participant WHERE conversation_id = d.conversation_id AND left_at IS NULL
            ) AS audience
            FROM conversation WHERE id = d.conversation_id OFFSET 0
        ) c ON true
        LEFT JOIN message m ON m.sender_id = d.sender_id AND m.client_id = d.client_id
        LEFT JOIN message r ON r.id = d.reply_to AND r.conversation_id = d.conversation_id
    ),
    numbered AS (
        SELECT j.*,
            j.last_seq + count(*) FILTER (WHERE j.code = 'sent') OVER (PARTITION BY j.conversation_id ORDER BY j.ord)
                AS seq,
            v_head + count(*) FILTER (WHERE j.code = 'sent') OVER (ORDER BY j.ord) AS position
        FROM judged j
    ),
    written AS (
        INSERT INTO message (
            id, conversation_id, seq, position, sender_id, client_id, kind, body, context, reply_to,
            draft_digest, created_at
        )
        SELECT id, conversation_id, seq, position, sender_id, client_id, kind, body, context::json, reply_to,
            digest, v_now
        FROM numbered WHERE code = 'sent'
    ),
    grown AS (
        SELECT conversation_id, max(seq) AS last_seq,
            array_agg(sender_id ORDER BY seq DESC) AS sender_ids, array_agg(seq ORDER BY seq DESC) AS seqs
        FROM numbered WHERE code = 'sent' GROUP BY conversation_id
    ),
    moved AS (
        UPDATE conversation c SET last_seq = g.last_seq, last_activity_at = v_now
        FROM grown g WHERE c.id = g.conversation_id
    ),
    -- Only the senders' rows, in place, unless somebody's place in their list is out of date: see Participant.
    told AS (
        UPDATE participant p SET
            listed_at = CASE WHEN p.listed_at <= v_now - interval '60 seconds' THEN v_now ELSE p.listed_at END,
            is_archived = false,
            read_seq = GREATEST(p.read_seq, g.seqs[array_position(g.sender_ids, p.user_id::text)]),
            delivered_seq = GREATEST(p.delivered_seq, g.seqs[array_position(g.sender_ids, p.user_id::text)])
        FROM grown g
        WHERE p.conversation_id = g.conversation_id AND p.left_at IS NULL AND (
            p.user_id = ANY (g.sender_ids) OR p.is_archived OR p.listed_at <= v_now - interval '60 seconds')
    ),
    logged AS (
        INSERT INTO event (position, conversation_id, message_id, kind, audience, data, created_at)
        SELECT position, conversation_id, id, 'message.sent', audience,
            (data_head || seq || data_tail || v_now_text || '","edited_at":null,"deleted_at":null}}}}')::json, v_now
        FROM numbered WHERE code = 'sent'
    ),
    head AS (
        UPDATE log_head SET position = (SELECT max(position) FROM numbered) WHERE id = 1
    )
    SELECT ord, code, seq, position, v_now_text, COALESCE(first_id, id), audience FROM numbered ORDER BY ord;
    SELECT position INTO v_new_head FROM log_head WHERE id = 1;
    IF v_new_head > v_head THEN
        PERFORM pg_notify('parley_log', v_new_head::text);
    END IF;
END $$
"""

# One call for a batch of receipts, one per (conversation, user). They only move forward and never past the last
# message. A receipt that moved has a position and its event's JSON; of a stranger nothing comes back.
MOVE_RECEIPTS = f"""
CREATE FUNCTION parley_move_receipts(
    p_conversation_ids uuid[], p_user_ids text[], p_delivered_seqs bigint[], p_read_seqs bigint[]
)
RETURNS TABLE (
    r_ord bigint, r_delivered_seq bigint, r_read_seq bigint, r_position bigint, r_audience text[], r_data text
)
LANGUAGE plpgsql {BOUND_PLAN} AS $$
#variable_conflict use_column
DECLARE
    v_head bigint := 0;
    v_ords bigint[];
BEGIN
    PERFORM 1 FROM conversation WHERE id = ANY (p_conversation_ids) ORDER BY id FOR UPDATE;
    WITH draft AS (
        SELECT * FROM unnest(p_conversation_ids, p_user_ids, p_delivered_seqs, p_read_seqs)
            WITH ORDINALITY AS d (conversation_id, user_id, delivered_seq, read_seq, ord)
    ),
    moved AS (
        UPDATE participant p SET
            read_seq = GREATEST(p.read_seq, LEAST(d.read_seq, c.last_seq)),
            delivered_seq = GREATEST(p.delivered_seq, LEAST(GREATEST(d.delivered_seq, d.read_seq), c.last_seq))
        FROM draft d JOIN conversation c ON c.id = d.conversation_id
        WHERE p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND p.left_at IS NULL
            AND (LEAST(d.read_seq, c.last_seq) > p.read_seq
                OR LEAST(GREATEST(d.delivered_seq, d.read_seq), c.last_seq) > p.delivered_seq)
        RETURNING d.ord
    )
    SELECT COALESCE(array_agg(ord ORDER BY ord), '{{}}') INTO v_ords FROM moved;
    IF cardinality(v_ords) > 0 THEN
        UPDATE log_head SET position = position + cardinality(v_ords) WHERE id = 1
        RETURNING position - cardinality(v_ords) INTO v_head;
        PERFORM pg_notify('parley_log', (v_head + cardinality(v_ords))::text);
    END IF;
    RETURN QUERY
    WITH current AS (
        SELECT d.ord, p.conversation_id, p.delivered_seq, p.read_seq,
            v_head + array_position(v_ords, d.ord) AS position,
            CASE WHEN d.ord = ANY (v_ords) THEN ARRAY(
                SELECT user_id::text FROM participant o WHERE o.conversation_id = d.conversation_id AND left_at IS NULL
            ) END AS audience,
            '{{"conversation_id":"' || p.conversation_id || '","user_id":' || to_json(p.user_id)
                || ',"delivered_seq":' || p.delivered_seq || ',"read_seq":' || p.read_seq || '}}' AS data
        FROM unnest(p_conversation_ids, p_user_ids) WITH ORDINALITY AS d (conversation_id, user_id, ord)
        JOIN participant p
            ON p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND p.left_at IS NULL
    ),
    logged AS (
        INSERT INTO event (position, conversation_id, kind, audience, data, created_at)
        SELECT position, conversation_id, 'receipt.moved', audience, data::json, clock_timestamp()
        FROM current WHERE position IS NOT NULL
    )
    SELECT ord, delivered_seq, read_seq, position, audience, data FROM current ORDER BY ord;
END $$
"""

# What a transaction told goes into the log at its commit, so the head is locked for the length of COMMIT alone.
LOG_DRAFT = """
CREATE FUNCTION parley_log_draft() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_position bigint;
BEGIN
    UPDATE log_head SET position = position + 1 WHERE id = 1 RETURNING position INTO v_position;
    INSERT INTO event (position, conversation_id, message_id, kind, audience, data, created_at)
    VALUES (v_position, NEW.conversation_id, NEW.message_id, NEW.kind, NEW.audience, NEW.data, clock_timestamp());
    IF NEW.kind = 'message.sent' THEN
        UPDATE message SET position = v_position WHERE id = NEW.message_id;
    END IF;
    DELETE FROM event_draft WHERE id = NEW.id;
    PERFORM pg_notify('parley_log', v_position::text);
    RETURN NULL;
END $$
"""

LOG_DRAFT_TRIGGER = """
CREATE CONSTRAINT TRIGGER log_draft AFTER INSERT ON event_draft
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION parley_log_draft()
"""

BACKWARDS = (
    "DROP TRIGGER log_draft ON event_draft",
    "DROP FUNCTION parley_log_draft",
    "DROP FUNCTION parley_move_receipts",
    "DROP FUNCTION parley_send",
    "DROP FUNCTION parley_send_one",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        for statement in (SEND_ONE, SEND, MOVE_RECEIPTS, LOG_DRAFT, LOG_DRAFT_TRIGGER):
            await engine_finder().run_ddl(statement)

    async def drop() -> None:
        for statement in BACKWARDS:
            await engine_finder().run_ddl(statement)

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
