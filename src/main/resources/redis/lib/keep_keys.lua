-- Keeps the keys' own expiry behind the session's: when less than a day is left between them, moves it to two days after the session's
-- expiry. The keys' expiry only collects what no sweeper removed. A separate request could be lost, so the same script does it.
-- Reads: format, key_session, expires_at, keys_until
--
-- Must not be a script's first write: Redis never refuses it for memory, and would then let the rest pass too. It has work about once a day
-- per session. Few scripts declare all of a session's keys, so the names are derived here. A key that is moving to another Cluster node
-- fails; that is no error: keys_until keeps the old time, and the caller runs session/keep later.
if expires_at + KEYS_LEFT_MILLIS > keys_until + 0 then
  local till, all = format('%d', expires_at + KEYS_MORE_MILLIS), true
  for kind in string.gmatch('smicdk', '%a') do
    local key = string.gsub(key_session, '}:s:', '}:' .. kind .. ':', 1)
    all = all and type(redis.pcall('PEXPIREAT', key, till)) == 'number'
  end
  if all then keys_until = till end
end
