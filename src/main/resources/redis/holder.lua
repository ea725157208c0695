-- Who holds the session's lock.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any)
-- Returns: {1} nobody | {1, fence, until, 'c' or 'u', label, now} | {0, code}
-- #include part-alive
clear()
if not token then return {1} end
return {1, tonumber(s[4]), tonumber(ends), s[3], s[5] or '', now}
