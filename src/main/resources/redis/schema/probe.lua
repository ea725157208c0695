-- Tells whether this user may write in a script. Changes nothing: no field has an empty name.
-- KEYS: schema
-- ARGV: none
-- Returns: {0}
local key_schema = KEYS[1]
return {redis.call('HDEL', key_schema, '')}
