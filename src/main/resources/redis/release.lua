-- Ends a lock.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any), 2 token, or '' to end it whoever holds it
-- Returns: {1} | {0, code} | {0, 'stale-fence'}
-- #include part-alive
if ARGV[2] ~= '' and s[5] ~= ARGV[2] then return {0, 'stale-fence'} end
if s[5] then redis.call('HDEL', KEYS[1], 'h', 'o', 'n', 'y') end
return {1}
