-- Tells whether its user may write in a script. Nothing is changed: no field is without a name.
--
-- KEYS: 1 schema
-- Returns: {0}
return {redis.call('HDEL', KEYS[1], '')}
