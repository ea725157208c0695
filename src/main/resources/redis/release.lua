-- Ends a lock, and tells of a client's those who wait for it.
--
-- KEYS: 1 session, [2 record]
-- ARGV: 1 owner the session must have ('' for any), 2 token, or '' to end it whoever holds it,
--   3 publish command, 4 the session's live channel, 5 what is told there, [6 hash of the request's body]
-- Returns: {1} | {2, …} as in part-once | {0, code} | {0, 'stale-fence'}
-- #include part-once
-- #include part-pass
-- #include part-alive
clear()
if ARGV[2] ~= '' and token ~= ARGV[2] then return {0, 'stale-fence'} end
if token then
  hold()
  redis.call('HDEL', KEYS[1], 'o', 'y')
end
keep('-', 0, 0, '')
-- An update's end is not told: it was short, and watchers would hear of every one.
if token and s[3] == 'c' then redis.call(ARGV[3], ARGV[4], ARGV[5]) end
return {1}
