-- Who holds the session's lock.
-- KEYS: session
-- ARGV: owner ('' for any)
-- Returns: {1} nobody | {1, fence, until, 'c' or 'u', label, now} | {0, code}
local call, format = redis.call, string.format
local key_session, owner = KEYS[1], ARGV[1]
-- #include lock
clear()
if not token then return {1} end
return {1, tonumber(fence), tonumber(ends), kind, held_label or '', now}
