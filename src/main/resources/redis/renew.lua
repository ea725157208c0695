-- Makes a client's lock last from now on.
--
-- KEYS: 1 session, [2 record]
-- ARGV: 1 owner the session must have ('' for any), 2 token, 3 TTL in milliseconds, [4 hash of the
--   request's body]
-- Returns: {1, token, fence, until, now, label} | {2, …} as in part-once | {0, code}
--   | {0, 'stale-fence'}
-- #include part-once
-- #include part-pass
-- #include part-alive
clear()
if token ~= ARGV[2] or s[3] ~= 'c' then return {0, 'stale-fence'} end
ends = now + ARGV[3]
hold(ends, token)
keep(token, s[4], ends, s[5] or '')
return {1, token, tonumber(s[4]), ends, now, s[5] or ''}
