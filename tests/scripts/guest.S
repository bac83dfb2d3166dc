/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest guest that proves something: a boot sector. Says on the serial line what stands in sector 1 of its disk, writes that
 * over by what stands in sector 2, says it once more, and ends qemu by isa-debug-exit (port 0xf4), with status 33, or 35 where the
 * BIOS could not read or write.
 */
        .code16
        .global _start
_start: xor %ax, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov $0x7c00, %sp
        mov %dl, drive

        mov $0x0201, %ax                /* read one sector */
        mov $0x0002, %cx                /* sector 1; the BIOS counts from 1 */
        call disk
        call print
        mov $0x0201, %ax
        mov $0x0003, %cx                /* sector 2 */
        call disk
        mov $0x0301, %ax                /* write one sector */
        mov $0x0002, %cx
        call disk
        mov $0x0201, %ax
        mov $0x0002, %cx
        call disk
        call print
        mov $0x10, %al
        out %al, $0xf4
halt:   hlt
        jmp halt

disk:   mov $0x8000, %bx
        mov $0, %dh
        mov drive, %dl
        int $0x13
        jc failed
        ret
failed: mov $0x11, %al
        out %al, $0xf4
        jmp halt

/* The text at 0x8000, which ends in 0. */
print:  mov $0x8000, %si
next:   lodsb
        test %al, %al
        jz ended
        mov $0x3f8, %dx
        out %al, %dx
        jmp next
ended:  ret

drive:  .byte 0
        .org 510
        .word 0xaa55
