-- Part of what ends a session: empties it and leaves its hash as a tombstone for 24 h, which says why
-- it is gone and lets a session of that id that starts anew go on counting versions. Returns the state
-- that a write which ends a session answers.
local function ended(tag, version, created, user)
  return format('%s %s 0 0 0 %d %d 0 a %d %s %s', tag, version, now, now, now + 172800000, created, user)
end
local function tomb(why, version, tag, created, user)
  call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
  call('HSET', KEYS[1], 'v', version, 't', tag, 'g', why)
  if user ~= '' then call('HSET', KEYS[1], 'u', user) end
  call('PEXPIREAT', KEYS[1], format('%d', now + 86400000))
  call('ZREM', KEYS[9], 'x:' .. ARGV[4])
  return ended(tag, version, created, user)
end
