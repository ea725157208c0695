-- Part of what may let a session live longer: the keys' own expiry, which is only rubbish collection for
-- what no sweeper ended, must never come before the session's end. When less than a day is left between
-- the two, it is moved to two days after that end, in the script that moved the end: a request of its own
-- could be lost.
--
-- It is called after the state was written, because moving an expiry is never refused for memory and so
-- must not be a script's first write. Once a day of a session's life it does something.
--
-- Few scripts declare all keys of a session, and state and checkpoints need not be there. So the keys are
-- named here, and what fails, which is a key that is on its way to another node of a Cluster, is not an
-- error: the state then goes on saying when the keys end, and whoever is answered asks for keep.lua.
local function lasting(state)
  local head, e, k, rest = string.match(state, '^(%S+ %d+ %d+ %d+ %d+ (%d+) %d+ %d+ %S+ )(%d+)(.*)$')
  if e + 86400000 <= k + 0 then return state end
  local till = string.format('%d', e + 172800000)
  for kind in string.gmatch('smicdk', '%a') do
    local key = string.gsub(KEYS[1], '}:s:', '}:' .. kind .. ':', 1)
    if type(redis.pcall('PEXPIREAT', key, till)) ~= 'number' then return state end
  end
  state = head .. till .. rest
  redis.call('HSET', KEYS[1], 'p', state)
  return state
end
