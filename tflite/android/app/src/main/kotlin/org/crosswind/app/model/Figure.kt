package org.crosswind.app.model

import java.text.NumberFormat
import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.log10
import kotlin.math.max

private const val DIGITS = 4

/** A predicted number as the phone's language writes it: four digits, or all of those before the point. */
fun figure(number: Float): String = NumberFormat.getInstance().run {
    maximumFractionDigits = if (number == 0f) 0 else max(0, DIGITS - 1 - floor(log10(abs(number))).toInt())
    format(number)
}
