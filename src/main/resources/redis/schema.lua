-- Writes down how this Redis is used, the first time, and tells how it is used.
--
-- KEYS: 1 schema
-- ARGV: field, value, … in pairs
-- Returns: the values that hold now, in the order of the fields
-- The other scripts write whole numbers by '%d', times in milliseconds among them.
if string.format('%d', 1099511627776) ~= '1099511627776' then return redis.error_reply('ERR Heddle needs a Redis of 64 bits') end
local held = {}
for i = 1, #ARGV, 2 do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if not value then
    -- Only then: a full Redis refuses it, and a replica must be able to start on one.
    value = ARGV[i + 1]
    redis.call('HSET', KEYS[1], ARGV[i], value)
  end
  held[#held + 1] = value
end
return held
