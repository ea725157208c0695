-- The effects that turn writes share, and the layout of what they store.
-- Reads: previous, what write, turn, retry, owned and parse_rest leave
-- Defines: add_messages (in this version; returns their ids for a record, and sizes and texts for commit_change), commit_change (writes the
--   state, logs the change and publishes it: the JSON alone; or, with messages, '*n', the head's bytes, for each message the bytes of id and
--   body, a space, the head, all ids and bodies; or nothing when it is too long), set_due, queue_place (1 for the next turn, nil for none),
--   retire (lists the turn as ended and starts its keys' expiry)
--
-- In the session hash, apart from 'p' so that an append does not read them unless a turn runs: 'T' the running turn, 'turn attempt lease
-- cancel last tag version count due ': lease is when its owner counts as dead; cancel '-', 'k' (keep) or 'r' (rollback); last the seq of the
-- log's last event; tag that of the write which began the attempt; version and count the place of its input; due its due time as its owner
-- set it. 'Q' the random parts of the waiting turns, 'E' of the newest 100 ended ones, newest first, each followed by a space.
--
-- Turn record: u session's creation time, f position at which the turn was accepted, w state that its last write returned, c created, m model,
-- k how long it is kept, q request, h head of its start's change, n number of input messages and b their bytes with ids, i1, d1, i2 … their ids
-- and bodies while it waits; z started, v 'version-tag id …' of its input; s status, a attempt, e ended, j end, o 'version-tag id …' of its
-- output.
--
-- Due times: a session's path, by the end of its running turn's lease, or by now when turns only wait. The owner moves it well ahead, so that
-- no other replica looks after a healthy turn. A due time is never later than the truth.
local function add_messages(given, message)
  local ids, sizes, said = '', '', {}
  for i = 1, given do
    local id, text = message(i)
    local entry = version .. format('-%d', i - 1)
    last_seq = format('%d', last_seq + 1)
    -- #include add_message
    sizes = sizes .. format(' %d %d', #id, #text)
    said[i] = id .. text
    bytes = bytes + #text + #id
  end
  count = count + given
  return ids, sizes .. ' ', said
end

local function commit_change(head, given, sizes, said)
  local updated_at = stamp
  -- #include keep_keys
  -- #include pack
  call('HSET', key_session, 'p', state)
  local frame, size = head, #head
  if not given then
    call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', head)
  else
    call('XADD', key_changes, 'MAXLEN', MAX_CHANGES, version .. '-0', 't', tag, 'z', stamp, 'c', head, 'n', given)
    for i = 1, given do size = size + #said[i] end
    frame = size > PUBLISHED_BYTES and '' or format('*%d %d', given, #head) .. sizes .. head .. table.concat(said)
  end
  -- #include publish
  return state
end

local function set_due(at)
  call('ZADD', key_turns_due, format('%d', at), path)
end

local function queue_place(queue)
  local at = queue and string.find(queue, part .. ' ', 1, true)
  return at and (at + PART_WIDTH - 1) / PART_WIDTH
end

local function retire(before)
  call('HSET', key_session, 'E', string.sub(part .. ' ' .. (before or ''), 1, ENDED_TURNS * PART_WIDTH))
  local kept = call('HGET', key_turn, 'k')
  call('PEXPIRE', key_turn, kept)
  call('PEXPIRE', key_log, kept)
end
