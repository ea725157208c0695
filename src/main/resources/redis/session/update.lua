-- Replaces a session's description. It is the last step of a patch.
-- KEYS: @write, changes, due, record?
-- ARGV: @write, description, new_ttl (seconds), new_status ('a' or 'c'), change (as it is kept), frame (as it is published)
-- Returns: as write; done also {state, description, the running turn or ''}
-- #include write
local key_changes, key_due = unpack(KEYS, 3, 4)
local description, new_ttl, new_status, change, frame = unpack(ARGV, 7, 11)
-- #include retry
-- #include session
-- The owner stays. Quotes inside it are escaped, so the pattern cannot end within it.
local named = string.match(call('HGET', key_session, 'd'), '^{"user":(.-),"title":')
local described = '{"user":' .. named .. string.match(description, ',"title":.*$')
ttl, status = new_ttl, new_status .. string.sub(status, 2)
-- #include advance
-- The TTL may be shorter now, and a due time must never be later than the truth.
call('ZADD', key_due, 'LT', format('%d', expires_at), 'x:' .. path)
call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', change)
-- #include keep_keys
-- #include pack
call('HSET', key_session, 'p', state, 'd', described)
local ids = ''
-- #include publish
-- #include remember
return {state, described, turn or ''}
