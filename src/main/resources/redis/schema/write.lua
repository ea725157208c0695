-- Writes down how this Redis is used, the first time, and tells how it is used.
-- KEYS: schema
-- ARGV: [field, value]*
-- Returns: the values that hold now, in the order of the fields
local call, key_schema = redis.call, KEYS[1]
-- The other scripts write whole numbers by '%d', times in milliseconds among them.
if string.format('%d', 1099511627776) ~= '1099511627776' then return redis.error_reply('ERR Heddle needs a Redis of 64 bits') end
local held = {}
for i = 1, #ARGV, 2 do
  local value = call('HGET', key_schema, ARGV[i])
  if not value then
    -- Only then: a full Redis refuses it, and a replica must be able to start on one.
    value = ARGV[i + 1]
    call('HSET', key_schema, ARGV[i], value)
  end
  held[#held + 1] = value
end
return held
