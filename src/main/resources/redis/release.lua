-- Ends a lock.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any), 2 token, or '' to end it whoever holds it
-- Returns: {1} | {0, code} | {0, 'stale-fence'}
-- #include part-alive
if ARGV[2] ~= '' and token ~= ARGV[2] then return {0, 'stale-fence'} end
if token then
  hold()
  redis.call('HDEL', KEYS[1], 'o', 'y')
end
return {1}
