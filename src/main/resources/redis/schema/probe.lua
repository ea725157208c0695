-- Tells whether its user may write in a script. Nothing is changed: no field is without a name.
-- KEYS: schema
-- ARGV: none
-- Returns: {0}
return {redis.call('HDEL', KEYS[1], '')}
