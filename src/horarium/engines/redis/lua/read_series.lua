-- Read the buckets of a time, some at once.
-- Parameters: KEYS[1] the namespace; ARGV kind (tallies or readings), width, since, until, how many buckets at the most,
--   and (as JSON arrays, or '') the tasks and the queues that are wanted
-- Result: of each bucket: its beginning, names and values (flat)
-- State: unchanged
-- Safe: reads only
local K, found = KEYS[1], {}

local function wanted(names)
  if names == '' then return nil end
  local set = {}
  for _, name in ipairs(cjson.decode(names)) do set[name] = true end
  return set
end

local key, tasks, queues = K .. ARGV[1] .. ':' .. ARGV[2], wanted(ARGV[6]), wanted(ARGV[7])

local function is_wanted(name)
  if not tasks and not queues then return true end
  if ARGV[1] == 'readings' then return queues[name] end
  local pair = cjson.decode(name)
  return (not tasks or tasks[pair[1]]) and (not queues or queues[pair[2]])
end

for _, bucket in ipairs(redis.call('ZRANGEBYSCORE', key, ARGV[3], '(' .. ARGV[4], 'LIMIT', 0, ARGV[5])) do
  local shown, all = {}, redis.call('HGETALL', key .. ':' .. bucket)
  for place = 1, #all, 2 do
    if is_wanted(all[place]) then
      shown[#shown + 1] = all[place]
      shown[#shown + 1] = all[place + 1]
    end
  end
  found[#found + 1] = bucket
  found[#found + 1] = shown
end
return found
