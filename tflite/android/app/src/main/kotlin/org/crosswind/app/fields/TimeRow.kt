package org.crosswind.app.fields

import android.app.TimePickerDialog
import android.content.DialogInterface
import android.text.format.DateFormat
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import java.util.Date
import java.util.TimeZone
import org.crosswind.app.R
import org.crosswind.app.model.Field

private const val MINUTES_PER_HOUR = 60
private const val MINUTES_PER_DAY = 1440
private const val NOON = 720
private const val MILLISECONDS_PER_MINUTE = 60_000L

/** A time of day, shown and picked as the phone does: 12 or 24 hours. */
class TimeRow(field: Field, parent: ViewGroup) : FieldRow(field, parent, R.layout.field_time) {
    private val button = input as Button
    private var picker: TimePickerDialog? = null

    override var text: String = ""
        private set

    init {
        button.setOnClickListener { pick() }
        view.addOnAttachStateChangeListener(
            object : View.OnAttachStateChangeListener {
                override fun onViewAttachedToWindow(view: View) = Unit

                override fun onViewDetachedFromWindow(view: View) {
                    picker?.dismiss() // a dialog must not outlive its activity
                }
            },
        )
    }

    override fun put(text: String) {
        this.text = text
        val none = if (field.feature.optional) R.string.unknown else R.string.choose
        button.text = text.toDoubleOrNull()?.let(::words) ?: context.getString(none)
    }

    private fun words(minutes: Double): String {
        val format = DateFormat.getTimeFormat(context).apply { timeZone = TimeZone.getTimeZone("UTC") }
        return format.format(Date(minutes.toLong() * MILLISECONDS_PER_MINUTE))
    }

    private fun pick() {
        val minutes = text.toDoubleOrNull()?.toInt()?.rem(MINUTES_PER_DAY) ?: NOON
        val picked = TimePickerDialog.OnTimeSetListener { _, hour, minute -> choose("${hour * MINUTES_PER_HOUR + minute}") }
        val (hour, minute) = minutes / MINUTES_PER_HOUR to minutes % MINUTES_PER_HOUR
        picker = TimePickerDialog(context, picked, hour, minute, DateFormat.is24HourFormat(context)).apply {
            setTitle(field.label)
            if (field.feature.optional) {
                setButton(DialogInterface.BUTTON_NEUTRAL, context.getString(R.string.unknown)) { _, _ -> choose("") }
            }
            show()
        }
    }

    private fun choose(text: String) {
        put(text)
        changed()
    }
}
