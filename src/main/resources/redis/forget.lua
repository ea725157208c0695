-- Forgets sessions of a user, also as the current one.
--
-- KEYS: 1 the user's sessions, 2 the user's hash
-- ARGV: ids
-- Returns: {n} how many were forgotten
local current = redis.call('HGET', KEYS[2], 'current')
for i = 1, #ARGV do
  if ARGV[i] == current then redis.call('DEL', KEYS[2]) end
end
return {redis.call('ZREM', KEYS[1], unpack(ARGV))}
