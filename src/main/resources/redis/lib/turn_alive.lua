-- The session of the writes that compare only the turn: no lock, no status, no size and, while a turn runs, not even the expiry.
-- Reads: call, key_session, key_turns_due, terms, path, now
-- Leaves: packed, owner, what owned and parse_rest leave, previous (the tag before), lease_text (T of turn_write), running, attempt, lease,
--   cancel, last, began, from, rest (of it), waiting, over (Q and E of it), least (what expires_at must be at least)
local packed, lease_text, waiting, over = unpack(call('HMGET', key_session, 'p', 'T', 'Q', 'E'))
local owner = terms ~= '' and string.match(terms, '^[^\n]*\n[^\n]*\n(.*)$') or ''
if not packed then call('ZREM', key_turns_due, path) end
-- #include owned
-- #include parse_rest
if not lease_text and now >= expires_at + 0 then return {0, 'session-expired'} end
local running, attempt, lease, cancel, last, began, from, rest =
  string.match(lease_text or '', '^(%S+) (%d+) (%d+) (%S) (%d+) (%S+) (%d+)( .*)$')
local previous, least = tag, (string.match(status, '^%a%+?/(%d+)/') or -LEASE_MARGIN_MILLIS) + LEASE_MARGIN_MILLIS
