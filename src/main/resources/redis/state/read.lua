-- The session with its state document, with one checkpoint, or with a page of checkpoints.
-- KEYS: @read, state, checkpoints
-- ARGV: @read, what ('state', 'one' or 'page'), saved_version (of one '' for the newest; of a page the one it begins before), saved_tag (of
--   one; of a page how many), room (of a page, bytes of documents after which no further one is looked at)
-- Returns: {1, now, session, {entry, …}} newest first; of a page with the documents' lengths in their places, and 1 when it ended by those
--   bytes | {0, code}
-- #include read
local key_state, key_checkpoints = unpack(KEYS, 5, 6)
local what, saved_version, saved_tag, room = unpack(ARGV, 4, 7)
if what == 'state' then
  local d = call('HMGET', key_state, 'v', 't', 'z', 'd')
  if not d[1] then return {1, now, session, {}} end
  return {1, now, session, {{d[1] .. '-0', {'t', d[2], 'z', d[3], 'b', d[4]}}}}
elseif what == 'page' then
  local to = saved_version == '' and '+' or '(' .. saved_version .. '-0'
  local page, size, want = {}, 0, tonumber(saved_tag)
  while #page < want do
    local entry = call('XREVRANGE', key_checkpoints, to, '-', 'COUNT', 1)[1]
    if not entry then break end
    if size >= tonumber(room) then return {1, now, session, page, 1} end
    size = size + #entry[2][6]
    to = '(' .. entry[1]
    entry[2][6] = #entry[2][6]
    page[#page + 1] = entry
  end
  return {1, now, session, page, 0}
end
-- #include checkpoint
return {1, now, session, {found}}
