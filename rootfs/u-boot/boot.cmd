# U-Boot's script on boards without systemd-boot: which slot boots, and how often it may try. The builder makes boot.scr of it.
#
#   BOOT_ORDER         slots, first the one to boot: "B A"
#   BOOT_A_LEFT, BOOT_B_LEFT   tries left, counted down here; not set: the slot has proved itself and is not counted
#
# They are kept twice, boot-1.env and boot-2.env, each with its sum: what is torn by a power cut is not used. The device writes them
# too (runtime/src/machine/upgrade/loader/uboot.ts). Only commands that Debian's U-Boot of every board has.
# Set by whoever runs this script: devtype, devnum, distro_bootpart.
setenv atoll_part ${distro_bootpart}
test -n "${atoll_part}" || setenv atoll_part 1
setenv atoll_disk "${devtype} ${devnum}:${atoll_part}"
# Nothing else is there yet.
test -n "${atoll_env_addr}" || setenv atoll_env_addr ${kernel_addr_r}
# The kernel's stub would take it for the command line that is sealed in the UKI.
setenv bootargs

# The first copy that is whole counts. One statement: run ends after the first.
setenv atoll_read 'for atoll_copy in 1 2; do
  if test -z "${atoll_known}"; then
    setenv BOOT_ORDER
    setenv BOOT_A_LEFT
    setenv BOOT_B_LEFT
    if load ${atoll_disk} ${atoll_env_addr} EFI/atoll/boot-${atoll_copy}.env; then
      if env import -c ${atoll_env_addr} ${filesize} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; then
        setenv atoll_known yes
      else
        echo "Atoll: boot-${atoll_copy}.env is damaged"
      fi
    fi
  fi
done'
setenv atoll_known
run atoll_read
# Both lost: which slot was the good one is not known, so both have to prove themselves again.
if test -z "${BOOT_ORDER}"; then
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi

setenv atoll_slot
setenv atoll_counted
for atoll_try in ${BOOT_ORDER}; do
  if test -z "${atoll_slot}"; then
    setenv atoll_left
    if test "${atoll_try}" = "A"; then setenv atoll_left ${BOOT_A_LEFT}; fi
    if test "${atoll_try}" = "B"; then setenv atoll_left ${BOOT_B_LEFT}; fi
    if test -z "${atoll_left}"; then
      setenv atoll_slot ${atoll_try}
    elif test ${atoll_left} -gt 0; then
      setenv atoll_slot ${atoll_try}
      setenv atoll_counted yes
      # Not every board's U-Boot can subtract. What is no number from 1 to 9 has had its last try.
      setenv atoll_next 0
      if test "${atoll_left}" = "2"; then setenv atoll_next 1; fi
      if test "${atoll_left}" = "3"; then setenv atoll_next 2; fi
      if test "${atoll_left}" = "4"; then setenv atoll_next 3; fi
      if test "${atoll_left}" = "5"; then setenv atoll_next 4; fi
      if test "${atoll_left}" = "6"; then setenv atoll_next 5; fi
      if test "${atoll_left}" = "7"; then setenv atoll_next 6; fi
      if test "${atoll_left}" = "8"; then setenv atoll_next 7; fi
      if test "${atoll_left}" = "9"; then setenv atoll_next 8; fi
      if test "${atoll_try}" = "A"; then setenv BOOT_A_LEFT ${atoll_next}; fi
      if test "${atoll_try}" = "B"; then setenv BOOT_B_LEFT ${atoll_next}; fi
    fi
  fi
done

# The try is on the disk before it is made, where the next boot will read it: a first copy that cannot be written is still read. A disk that
# does not count must not boot a trial for ever: the other slot then.
if test -n "${atoll_counted}"; then
  env export -c -s 0x1000 ${atoll_env_addr} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
  for atoll_copy in 1 2; do
    fatwrite ${atoll_disk} ${atoll_env_addr} EFI/atoll/boot-${atoll_copy}.env 0x1000
  done
  setenv atoll_known
  run atoll_read
  setenv atoll_left
  if test "${atoll_slot}" = "A"; then setenv atoll_left ${BOOT_A_LEFT}; fi
  if test "${atoll_slot}" = "B"; then setenv atoll_left ${BOOT_B_LEFT}; fi
  if test "${atoll_left}" != "${atoll_next}"; then
    echo "Atoll: the boot partition does not count the tries of slot ${atoll_slot} (is the disk failing?); the other slot"
    if test "${atoll_slot}" = "A"; then setenv atoll_slot B; else setenv atoll_slot A; fi
  fi
fi

# The chosen one, and when it does not even start the others: every one of them is better than none.
setenv atoll_rest ${atoll_slot} ${BOOT_ORDER} A B
for atoll_try in ${atoll_rest}; do
  setenv atoll_file
  if test "${atoll_try}" = "A"; then setenv atoll_file a.efi; fi
  if test "${atoll_try}" = "B"; then setenv atoll_file b.efi; fi
  echo "Atoll: slot ${atoll_try}"
  if load ${atoll_disk} ${kernel_addr_r} EFI/atoll/${atoll_file}; then
    # A watchdog where the board names one: it covers the kernel's start too.
    if test -n "${atoll_watchdog}"; then wdt dev ${atoll_watchdog}; wdt start 60000; fi
    if test -n "${fdt_addr}"; then
      bootefi ${kernel_addr_r} ${fdt_addr}
    else
      bootefi ${kernel_addr_r}
    fi
  fi
done
echo "Atoll: no slot could be started; trying again"
sleep 5
reset
