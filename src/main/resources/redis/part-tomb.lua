-- Part of what ends a session: empties it and leaves its hash as a tombstone for 24 h, which says why
-- it is gone and lets a session of that id that starts anew go on counting versions. Returns the state
-- that a write which ends a session answers, and the random parts of its turns, whose keys are too many
-- to be declared: whoever is answered removes them, and if it cannot their own expiry does.
local function ended(tag, version, created, user)
  return format('%s %s 0 0 0 %d %d 0 a %d %s %s', tag, version, now, now, now + 172800000, created, user)
end
local function tomb(why, version, tag, created, user)
  local turns = call('HMGET', KEYS[1], 'T', 'Q', 'E')
  -- The session's hash is emptied, not made anew: while a Cluster slot moves, a key that is gone cannot be
  -- made again, and half of this would be done.
  call('UNLINK', KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
  local fields = call('HKEYS', KEYS[1])
  call('HSET', KEYS[1], 'v', version, 't', tag, 'g', why, 'u', user)
  for _, field in ipairs(fields) do
    if not string.find(' v t g u ', ' ' .. field .. ' ', 1, true) then call('HDEL', KEYS[1], field) end
  end
  if user == '' then call('HDEL', KEYS[1], 'u') end
  call('PEXPIREAT', KEYS[1], format('%d', now + 86400000))
  call('ZREM', KEYS[8], 'x:' .. ARGV[4])
  call('ZREM', KEYS[9], ARGV[4])
  local running = turns[1] and string.match(turns[1], '^trn_(%w+)') .. ' ' or ''
  return ended(tag, version, created, user), running .. (turns[2] or '') .. (turns[3] or '')
end
