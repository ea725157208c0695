-- The session with its state document, with one checkpoint, or with a page of checkpoints.
--
-- KEYS: as in part-read, 5 state, 6 checkpoints
-- ARGV: 1 to 3 as in part-read, 4 'state', 'one' or 'page', 5 for 'one' the checkpoint's version ('' for
--   the newest), for 'page' the version the page begins before ('' for the newest), 6 for 'one' the
--   checkpoint's tag, for 'page' how many, 7 for 'page' bytes of documents after which no further one is
--   looked at
-- Returns: {1, now, session, {entry, …}} newest first; of a page with the documents' lengths in their places,
--   and 1 when it ended by those bytes | {0, code}
-- #include part-read
if ARGV[4] == 'page' then
  local to = ARGV[5] == '' and '+' or '(' .. ARGV[5] .. '-0'
  local found, bytes, want, room = {}, 0, tonumber(ARGV[6]), tonumber(ARGV[7])
  while #found < want do
    local entry = redis.call('XREVRANGE', KEYS[6], to, '-', 'COUNT', 1)[1]
    if not entry then break end
    if bytes >= room then return {1, now, s, found, 1} end
    bytes = bytes + #entry[2][6]
    to = '(' .. entry[1]
    entry[2][6] = #entry[2][6]
    found[#found + 1] = entry
  end
  return {1, now, s, found, 0}
end
if ARGV[4] == 'state' then
  local d = redis.call('HMGET', KEYS[5], 'v', 't', 'z', 'd')
  if not d[1] then return {1, now, s, {}} end
  return {1, now, s, {{d[1] .. '-0', {'t', d[2], 'z', d[3], 'b', d[4]}}}}
end
local found
if ARGV[5] == '' then
  found = redis.call('XREVRANGE', KEYS[6], '+', '-', 'COUNT', 1)[1]
else
  found = redis.call('XRANGE', KEYS[6], ARGV[5] .. '-0', ARGV[5] .. '-0')[1]
  if found and found[2][2] ~= ARGV[6] then found = nil end
end
if not found then return {0, 'checkpoint-not-found'} end
return {1, now, s, {found}}
