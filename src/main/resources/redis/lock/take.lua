-- Takes the session's lock for a client.
-- KEYS: session, record?
-- ARGV: owner ('' for any), millis (it lasts), random (part of the token), label (or ''), body? (hash of the request's body)
-- Returns: {1, token, fence, until, now, label} | {2, …} as lib/lock_once | {0, code} | {0, 'session-locked', until, now}
local call, format = redis.call, string.format
local key_session, key_record = unpack(KEYS)
local owner, millis, random, label, body = unpack(ARGV)
-- #include lock_once
-- #include lock
if token then return {0, 'session-locked', ends, now} end
fence = call('HINCRBY', key_session, 'f', 1)
token, ends = format('%d', fence) .. '-' .. random, now + millis
call('HSET', key_session, 'o', 'c', 'y', label)
hold(ends, token)
keep(token, fence, ends, label)
return {1, token, fence, ends, now, label}
