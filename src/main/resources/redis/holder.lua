-- Who holds the session's lock.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any)
-- Returns: {1} nobody | {1, fence, until, 'c' or 'u', label, now} | {0, code}
-- #include part-alive
if not s[5] then return {1} end
return {1, tonumber(s[8]), tonumber(s[6]), s[7], s[9] or '', now}
