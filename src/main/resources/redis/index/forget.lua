-- Forgets sessions of a user, also as the current one.
-- KEYS: sessions (the user's), user
-- ARGV: id*
-- Returns: {n} how many were forgotten
local key_sessions, key_user = KEYS[1], KEYS[2]
local current = redis.call('HGET', key_user, 'current')
for i = 1, #ARGV do
  if ARGV[i] == current then redis.call('DEL', key_user) end
end
return {redis.call('ZREM', key_sessions, unpack(ARGV))}
