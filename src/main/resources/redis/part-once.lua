-- Part of every script of a client's lock: the idempotency record, looked at before all else.
-- Leaves keep(token, ends, label), which notes what was done.
--
-- KEYS: 1 session, [2 record]
-- ARGV: the last, if there is a record: hash of the request's body
-- Returns: {2, token, fence, until, 0, label} a replay | {0, 'key-reused'}
--
-- Record: 'L <body> <token> <fence> <until> <label>', which record-find takes for one in progress: only
-- the lock's own calls come with its key.
if KEYS[2] then
  local record = redis.call('GET', KEYS[2])
  if record then
    local known, token, fence, ends, label = string.match(record, '^L (%S+) (%S+) (%d+) (%d+) (.*)$')
    if known ~= ARGV[#ARGV] then return {0, 'key-reused'} end
    return {2, token, fence, ends, 0, label}
  end
end
local function keep(token, fence, ends, label)
  if KEYS[2] then
    redis.call('SET', KEYS[2], string.format('L %s %s %d %d %s', ARGV[#ARGV], token, fence, ends, label), 'PX', 86400000)
  end
end
